"""Traces by OpenTelemetry: the spans that a collector gets from a running service."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.support.client import open_client
from tests.support.servers.process import free_ports, wait_until
from tests.support.service import Service

pytestmark = pytest.mark.slow

PHONE: Final = "+14155552671"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT: Final = f"00-{TRACE}-{PARENT}-01"
CLIENT_IP: Final = "203.0.113.77"
SOON: Final = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


class Collector:
    """A collector by OTLP over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Span] = []

    def named(self, name: str) -> list[Span]:
        """Return the spans with this name that have arrived."""
        return [span for span in self.spans if span.name == name]

    def wait_for(self, name: str) -> Span:
        """Return the first span with this name."""
        wait_until(lambda: bool(self.named(name)), 30)
        return self.named(name)[0]


@contextmanager
def open_collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    opened.spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        opened = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield opened
        finally:
            server.shutdown()
            thread.join()


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def children(collector: Collector, parent: Span) -> list[str]:
    return sorted(span.name for span in collector.spans if span.parent_span_id == parent.span_id)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with open_collector() as collector:
        yield collector


def test_requests_calls_and_failures_are_spans_without_a_value(
    collector: Collector, tmp_path: Path
) -> None:
    (closed,) = free_ports(1)
    environ = {
        **SOON,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "DIALTONE_WORKERS": "2",
        "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
        "DIALTONE_SMS": f"http://127.0.0.1:{closed}/send?key=of-the-hook,console",
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_SMS_HOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    service = Service(tmp_path / "service", environ).start()
    headers = {"traceparent": TRACEPARENT, "X-Forwarded-For": CLIENT_IP}
    with open_client(service, headers) as http:
        sent = http.post("/auth/request-otp", json={"phone": PHONE})
        code = service.code(PHONE)
        body = {"phone": PHONE, "otp": code, "refresh": True}
        login = http.post("/auth/verify-otp", json=body).json()
        http.headers["Authorization"] = f"Bearer {login['access_token']}"
        http.post("/users", json={"username": "Asha Kumari", "number": PHONE})
        http.post("/users", json={"username": PHONE, "number": "+14155552672"})
        http.get(f"/there-is-nothing/{PHONE}", params={"token": login["access_token"]})
        http.request("PROPFIND-4155552671", "/users/me")
        http.get("/health/ready")
        http.delete(f"/users/{login['user_id']}/x", headers={"traceparent": "00-not-a-trace-01"})

    requested = collector.wait_for("POST /auth/request-otp")
    collector.wait_for("DELETE")
    service.stop()

    assert (requested.trace_id.hex(), requested.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(requested) == {
        "http.request.method": "POST",
        "http.route": "/auth/request-otp",
        "http.response.status_code": 200,
        "dialtone.request_id": sent.headers["X-Request-Id"],
    }
    assert requested.kind == Span.SPAN_KIND_SERVER
    of_request = children(collector, requested)
    assert of_request == ["POST 127.0.0.1"]
    (to_hook,) = collector.named("POST 127.0.0.1")
    assert to_hook.status == Status(code=Status.STATUS_CODE_ERROR)
    assert attributes(to_hook) == {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": closed,
        "error.type": "ConnectionFailed",
    }
    registered = collector.wait_for("POST /users")
    assert children(collector, registered) == []
    assert collector.named("_OTHER")
    assert not any(span.name.startswith("GET /health") for span in collector.spans)

    everything = str(collector.spans)
    values = [CLIENT_IP, code, "4155552671", "415555267", "Asha"]
    values += [login[name] for name in ("access_token", "refresh_token", "device_token")]
    values += [login["user_id"], "of-the-hook", "there-is-nothing"]
    assert [value for value in values if value in everything] == []
    assert not any(span.events for span in collector.spans)
    # The lines of a request have the ids of its span.
    assert f'"span_id":"{requested.span_id.hex()}"' in service.log
