"""The SDK of OpenTelemetry, as its own environment variables configure it."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from adapters.operations.tracing.tracer import OpenTelemetryTracer
from adapters.shared.threads import start_thread
from application.ports.errors import ConfigurationError

SHUTDOWN_SECONDS: Final = 3.0
"""For the last spans: a collector that is away keeps no worker from its end."""
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL: Final = "http/protobuf"
_NAME: Final = "dialtone"

_log: Final = logging.getLogger(__name__)


class LoggingExporter(OTLPSpanExporter):
    """Logs once that the collector takes no spans, with the reason, and that it takes them again.

    The SDK has two lines for each batch, and its exporter tells the reason to its log only.
    """

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint=endpoint)
        self._reason, self._is_failing = "", False
        logger = logging.getLogger(OTLPSpanExporter.__module__)
        logger.filters = [self._keep_reason]  # of the latest exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._reason = "no answer in time"
        result = super().export(spans)
        is_failing = result is not SpanExportResult.SUCCESS
        if is_failing and not self._is_failing:
            _log.warning({"event": "traces_not_sent", "reason": self._reason})
        elif self._is_failing and not is_failing:
            _log.info({"event": "traces_sent_again"})
        self._is_failing = is_failing
        return result

    def _keep_reason(self, record: logging.LogRecord) -> bool:
        match record.args:
            case (_, int(status), _):
                self._reason = f"status {status}"
            case (_, None, Exception() as error) | (Exception() as error, *_):
                self._reason = type(error).__name__
            case (str(reason), str(), _):
                self._reason = reason
        return False


@asynccontextmanager
async def open_tracer(
    url: str, version: str, *, make_exporter: Callable[[str], SpanExporter] = LoggingExporter
) -> AsyncIterator[OpenTelemetryTracer]:
    """Open the SDK with the exporter by OTLP, until the block ends.

    Open it in the process that serves: the thread of the exporter does not outlive a fork.

    Args:
        url: The URL of the collector, without the path of traces.
        version: The version of the service.
        make_exporter: Makes the exporter, of the whole URL.

    Raises:
        ConfigurationError: A variable of OpenTelemetry has a value that it does not take.
    """
    for variable in _PROTOCOLS:
        if (protocol := os.environ.get(variable) or _PROTOCOL) != _PROTOCOL:
            raise ConfigurationError(
                f"{variable} is {protocol}: spans are sent by {_PROTOCOL} only, to port 4318 of a "
                "collector."
            )
    try:
        resource = Resource.create({SERVICE_VERSION: version})
        if "unknown_service" in str(resource.attributes.get(SERVICE_NAME)):
            resource = resource.merge(Resource({SERVICE_NAME: _NAME}))
        # At the exit of the process, the SDK would wait for 30 s.
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(make_exporter(_traces_url(url))))
    except ValueError as error:
        raise ConfigurationError(f"A variable of OpenTelemetry is not valid: {error}") from error
    try:
        yield OpenTelemetryTracer(provider.get_tracer(_NAME, version))
    finally:
        await _shut_down(provider)


def _traces_url(url: str) -> str:
    return os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or f"{url}/v1/traces"


async def _shut_down(provider: TracerProvider) -> None:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def shut_down() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(ended.set)

    start_thread("end_traces", shut_down)
    try:
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await ended.wait()
    except TimeoutError:
        _log.warning({"event": "traces_not_sent", "reason": "no answer of the collector"})
