"""Traces by OpenTelemetry."""

import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.shared.threads import DiskThreads
from application.ports.errors import ConfigurationError
from application.ports.tracing import ERROR_TYPE, Attributes, Span

SHUTDOWN_SECONDS: Final = 3.0
"""Time for the last spans: a collector that is down does not keep a worker from its end."""
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL: Final = "http/protobuf"
_NAME: Final = "dialtone"

_log: Final = logging.getLogger(__name__)


@asynccontextmanager
async def open_tracer(url: str, version: str) -> AsyncIterator["OpenTelemetryTracer"]:
    """Open the SDK with the exporter by OTLP, until the block ends.

    Open it in the process that serves: the thread of the exporter does not outlive a fork.

    Raises:
        ConfigurationError: A variable of OpenTelemetry has a value that it does not take.
    """
    for variable in _PROTOCOLS:
        if (protocol := os.environ.get(variable) or _PROTOCOL) != _PROTOCOL:
            raise ConfigurationError(
                f"{variable} is {protocol}: spans are sent by {_PROTOCOL} only, to port 4318 of a "
                "collector."
            )
    defaults = Resource.create({SERVICE_NAME: _NAME, SERVICE_VERSION: version})
    resource = defaults.merge(OTELResourceDetector().detect())
    try:
        # At the exit of the process, the SDK would wait for 30 s.
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = _LoggingExporter(
            os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or f"{url}/v1/traces"
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
    except ValueError as error:
        raise ConfigurationError(f"A variable of OpenTelemetry is not valid: {error}") from error
    try:
        yield OpenTelemetryTracer(provider.get_tracer(_NAME, version))
    finally:
        try:
            await DiskThreads("end_traces", 1, SHUTDOWN_SECONDS).call(provider.shutdown)
        except TimeoutError:
            _log.warning({"event": "traces_not_sent", "reason": "no answer of the collector"})


class OpenTelemetryTracer:
    """Makes spans, in the context of OpenTelemetry.

    - Nothing is put into the headers of calls: a provider of messages has no business with a trace.
    - A span that is not sampled takes everything and keeps nothing.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def trace_request(
        self, attributes: Attributes, headers: Mapping[str, str], /
    ) -> AbstractContextManager[Span]:
        parent = TraceContextTextMapPropagator().extract(headers, Context())
        return self._trace(SpanKind.SERVER, attributes, parent)

    def trace_call(self, attributes: Attributes, /) -> AbstractContextManager[Span]:
        if not trace.get_current_span().is_recording():
            return nullcontext(Span(attributes))
        return self._trace(SpanKind.CLIENT, attributes)

    @contextmanager
    def _trace(
        self, kind: SpanKind, attributes: Attributes, parent: Context | None = None
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            _name_span(attributes),
            parent,
            kind,
            attributes,
            # The messages and frames of errors have what clients sent.
            record_exception=False,
            set_status_on_exception=False,
        ) as started:
            ids = started.get_span_context()
            try:
                yield Span(
                    attributes,
                    trace.format_trace_id(ids.trace_id),
                    trace.format_span_id(ids.span_id),
                )
            except BaseException as error:
                attributes[ERROR_TYPE] = type(error).__qualname__
                raise
            finally:
                started.update_name(_name_span(attributes))
                started.set_attributes(attributes)
                if ERROR_TYPE in attributes:
                    started.set_status(StatusCode.ERROR)


def _name_span(attributes: Attributes) -> str:
    target = attributes.get("http.route") or attributes.get("server.address") or ""
    return f"{attributes['http.request.method']} {target}".rstrip()


class _LoggingExporter(OTLPSpanExporter):
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
        """Keep the status, the class of an error or the phrase of a status, and log no line."""
        match record.args:
            case (_, int(status), _):
                self._reason = f"status {status}"
            case (_, None, Exception() as error) | (Exception() as error, *_):
                self._reason = type(error).__name__
            case (str(reason), str(), _):
                self._reason = reason
        return False
