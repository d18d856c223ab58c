"""How the SDK of OpenTelemetry begins and ends, and which calls are spans."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from adapters.operations import tracing
from adapters.operations.tracing import open_tracer
from application.ports.tracing import trace_call, use_tracer
from tests.support.servers.collector import Collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


async def send_spans(url: str) -> None:
    """Send the spans of a request with two calls, and none of calls outside of it."""

    async def call(name: str) -> None:
        with trace_call({"http.request.method": name}):
            await asyncio.sleep(0)

    async with open_tracer(url, "1.0") as tracer:
        with use_tracer(tracer):
            await call("before")
            with tracer.trace_request({"http.request.method": "GET"}, {}):
                await asyncio.gather(call("first"), call("second"))
            await call("afterwards")
    await call("without-a-tracer")


async def test_a_collector_that_hangs_does_not_keep_a_worker_from_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracing, "SHUTDOWN_SECONDS", 0.05)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "")  # empty is unset
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        await send_spans(f"http://127.0.0.1:{hanging.getsockname()[1]}")
        assert [line.msg["event"] for line in caplog.records] == ["traces_not_sent"]  # type: ignore[index]
    for thread in threading.enumerate():
        if thread.name.startswith("Otel"):
            thread.join()
