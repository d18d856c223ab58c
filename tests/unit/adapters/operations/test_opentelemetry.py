"""The spans of OpenTelemetry, and how the SDK begins and ends."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Sampler
from opentelemetry.trace import StatusCode

from adapters.operations.tracing import OpenTelemetryTracer, open_tracer, provider
from application.ports.errors import ConfigurationError
from application.ports.tracing import TracedRequest
from application.tracing import trace_call, use_tracer
from entrypoints.features.tracing import TRACING, TracingSettings
from entrypoints.opening import extras
from entrypoints.settings.read import read_settings

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
URL = "http://127.0.0.1:4318"


def a_tracer(sampler: Sampler | None = None) -> tuple[OpenTelemetryTracer, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    sdk = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    sdk.add_span_processor(SimpleSpanProcessor(exporter))
    return OpenTelemetryTracer(sdk.get_tracer("test")), exporter


def a_request(traceparent: str | None = TRACEPARENT, *, is_trusted: bool = False) -> TracedRequest:
    return TracedRequest(
        method="GET", traceparent=traceparent, tracestate="acme=text", is_trusted=is_trusted
    )


def span_state(span: ReadableSpan) -> dict[str, str]:
    own = span.get_span_context()
    return dict(own.trace_state) if own else {}


@pytest.mark.parametrize(
    ("traceparent", "is_trusted", "is_continued"),
    [
        (TRACEPARENT, True, True),
        (TRACEPARENT, False, False),
        (f"{TRACEPARENT}-more", True, False),
        ("4155552671", True, False),
        (None, True, False),
    ],
)
def test_only_a_trusted_trace_is_continued(
    traceparent: str | None, *, is_trusted: bool, is_continued: bool
) -> None:
    tracer, exporter = a_tracer()
    with tracer.trace_request(a_request(traceparent, is_trusted=is_trusted)) as span:
        assert (span.trace_id == TRACE_ID) == is_continued
        assert (len(span.trace_id), len(span.span_id)) == (32, 16)
    [ended] = exporter.get_finished_spans()
    assert (ended.parent is not None) == is_continued
    # What a client writes into this header gets into no span.
    assert (span_state(ended) == {"acme": "text"}) == is_continued


async def test_calls_are_parts_of_their_request_also_in_its_tasks() -> None:
    tracer, exporter = a_tracer()

    async def call(name: str) -> None:
        with trace_call(name, {}):
            await asyncio.sleep(0)

    with use_tracer(tracer):
        await call("of no request")
        with tracer.trace_request(a_request()) as request:
            await asyncio.gather(call("first"), call("second"))
        await call("afterwards")
    await call("without a tracer")

    *calls, of_request = exporter.get_finished_spans()
    assert [call.name for call in calls] == ["first", "second"]
    assert {call.parent and call.parent.span_id for call in calls} == {int(request.span_id, 16)}
    assert of_request.parent is None


def test_an_error_leaves_its_class_and_nothing_of_its_text() -> None:
    tracer, exporter = a_tracer()
    with pytest.raises(ValueError, match="4155552671"), tracer.trace_request(a_request()):
        raise ValueError("no such phone: +14155552671")
    [span] = exporter.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert not span.events


def test_a_request_that_is_not_sampled_has_ids_and_no_spans() -> None:
    tracer, exporter = a_tracer(sampler=ALWAYS_OFF)
    with use_tracer(tracer), tracer.trace_request(a_request()) as span:
        assert int(span.trace_id, 16)
        with trace_call("call", {}) as call:
            call.fail("Error")
    assert exporter.get_finished_spans() == ()


class HangingExporter(SpanExporter):
    """An exporter whose collector does not answer until the test ends."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        self.ended.wait()
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.ended.wait()


async def test_a_collector_that_hangs_does_not_keep_a_worker_from_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(provider, "SHUTDOWN_SECONDS", 0.05)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "")  # empty is unset
    before, exporter = threading.enumerate(), HangingExporter()
    async with open_tracer(URL, "1.0", make_exporter=lambda _: exporter) as tracer:
        with tracer.trace_request(a_request()):
            pass
    assert [line.msg["event"] for line in caplog.records] == ["traces_not_sent"]  # type: ignore[index]
    exporter.ended.set()
    for thread in {*threading.enumerate()} - {*before}:
        thread.join()


def test_an_outage_of_the_collector_is_two_lines_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    statuses = [401, 401, 200, 200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        exporter = provider.LoggingExporter(url)
        for _ in range(4):
            exporter.export([])
        exporter.shutdown()  # type: ignore[no-untyped-call]
        server.shutdown()
        thread.join()
    assert [line.msg for line in caplog.records if line.levelno >= logging.INFO] == [
        {"event": "traces_not_sent", "reason": "status 401"},
        {"event": "traces_sent_again"},
    ]


@pytest.mark.parametrize(
    ("environ", "has_traces"),
    [
        ({}, False),
        ({ENDPOINT: URL}, True),
        ({ENDPOINT: URL, "OTEL_SDK_DISABLED": "True"}, False),
    ],
)
def test_the_endpoint_turns_it_on_and_a_variable_of_the_sdk_off(
    environ: dict[str, str], *, has_traces: bool
) -> None:
    assert read_settings(environ, None).of(TracingSettings).has_traces is has_traces


def test_without_its_libraries_there_is_one_note_and_no_span(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(extras.EXTRAS, "opentelemetry", ("no_such_module",))
    settings = read_settings({ENDPOINT: URL}, None)
    [note] = TRACING.notes(settings)
    assert note.startswith(f'{ENDPOINT}: There are no traces, because it needs the extra "opentel')
    assert not settings.of(TracingSettings).has_traces


async def test_a_collector_of_traces_may_have_a_url_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.2/spans")
    made = list[str]()

    def make_exporter(url: str) -> SpanExporter:
        made.append(url)
        return InMemorySpanExporter()

    async with open_tracer(URL, "1.0", make_exporter=make_exporter):
        pass
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    async with open_tracer(URL, "1.0", make_exporter=make_exporter):
        pass
    assert made == ["http://127.0.0.2/spans", f"{URL}/v1/traces"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
    ],
)
async def test_a_variable_that_is_not_valid_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError):
        async with open_tracer(URL, "1.0"):
            pass
