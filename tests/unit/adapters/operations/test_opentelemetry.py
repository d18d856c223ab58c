"""How the SDK of OpenTelemetry ends."""

import socket
import threading

import pytest

from adapters.operations import tracing
from adapters.operations.tracing import open_tracer
from application.ports.tracing import trace_call, use_tracer


async def test_a_collector_that_hangs_does_not_keep_a_worker_from_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracing, "SHUTDOWN_SECONDS", 0.05)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "")  # empty is unset
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        async with open_tracer(f"http://127.0.0.1:{hanging.getsockname()[1]}", "1.0") as tracer:
            with (
                use_tracer(tracer),
                tracer.trace_request({"http.request.method": "GET"}, {}),
                trace_call({"http.request.method": "GET"}),
            ):
                pass
        assert [line.msg["event"] for line in caplog.records] == ["traces_not_sent"]  # type: ignore[index]
    for thread in threading.enumerate():
        if thread.name.startswith("Otel"):
            thread.join()
