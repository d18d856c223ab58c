"""What a collector of traces gets of requests, and of what they send to others."""

import gzip
from collections.abc import Sequence
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from structlog.testing import capture_logs

from adapters.operations.logging.configuration import add_request_fields
from adapters.operations.tracing import open_tracer
from adapters.shared.http import ConnectionFailed, Timeouts, Transport, open_transport
from application.ports.otp import DeliveryResult, TextMessage
from application.ports.tracing import use_tracer
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.fakes.messenger import FakeMessenger
from tests.support.http_app import open_http_client
from tests.support.markdown import codes, page, rows
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.servers.process import free_ports

PHONE: Final = a_phone().e164
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT: Final = f"00-{TRACE}-b7ad6b7169203331-01"
CLIENT_IP: Final = "203.0.113.77"


class Collector(HttpServer):
    """A collector of traces by OTLP over HTTP.

    `bodies` is what has arrived; `statuses` are those of the next responses, before 200.
    """

    def __init__(self) -> None:
        super().__init__(self.take)
        self.statuses: list[int] = []
        self.bodies: list[bytes] = []

    def take(self, exchange: Exchange) -> None:
        request = exchange.received
        is_packed = request.headers.get("Content-Encoding") == "gzip"
        self.bodies.append(gzip.decompress(request.body) if is_packed else request.body)
        exchange.respond(self.statuses.pop(0) if self.statuses else 200)

    @property
    def spans(self) -> Sequence[Span]:
        """All spans, in the order of their end."""
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> Sequence[Span]:
        """Return the spans with this name."""
        return [span for span in self.spans if span.name == name]


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


class CallingMessenger(FakeMessenger):
    """A messenger that first calls a provider, which is away."""

    def __init__(self, transport: Transport, url: str) -> None:
        super().__init__()
        self._transport, self._url = transport, url

    async def send(
        self, phone: PhoneNumber, message: TextMessage, last_provider: str = ""
    ) -> DeliveryResult:
        try:
            await self._transport.request(
                "POST",
                f"{self._url}/send/{phone.e164}?key=of-the-provider",
                form={"text": message.text},
                credentials=("account", "secret-of-the-account"),
            )
        except ConnectionFailed:
            return await super().send(phone, message, last_provider)
        raise AssertionError


async def test_spans_have_the_documented_attributes_and_no_value_of_a_person() -> None:
    (closed,) = free_ports(1)
    with Collector() as collector:
        async with open_transport(Timeouts()) as transport:
            app = AppHarness(messenger=CallingMessenger(transport, f"http://127.0.0.1:{closed}"))
            async with (
                open_tracer(collector.url, "1.0") as tracer,
                open_http_client(app.use_cases) as http,
            ):
                http.headers["X-Forwarded-For"] = CLIENT_IP
                http.headers["traceparent"] = TRACEPARENT
                with use_tracer(tracer), capture_logs([add_request_fields]) as lines:
                    sent = await http.post("/auth/request-otp", json={"phone": PHONE})
                    code = app.last_code
                    body = {"phone": PHONE, "otp": code, "refresh": True}
                    login = (await http.post("/auth/verify-otp", json=body)).json()
                    http.headers["Authorization"] = f"Bearer {login['access_token']}"
                    await http.post("/users", json={"username": "Asha Kumari", "number": PHONE})
                    path = f"/users/{login['user_id']}/{PHONE}"
                    await http.get(path, params={"token": login["access_token"]})
                    await http.request("PROPFIND-4155552671", "/users/me")
                    await http.get("/health/live")

    exported = b"".join(collector.bodies)
    values = [CLIENT_IP, code, PHONE, PHONE[1:], "415555", "Asha", "of-the-provider", "secret"]
    values += [login[name] for name in ("user_id", "access_token", "refresh_token")]
    assert [value for value in values if value.encode() in exported] == []
    assert not any(span.events for span in collector.spans)

    of_requests, of_calls = [{*codes(cell)} for _, _, cell in rows(page("docs/log.md#traces"))]
    for span in collector.spans:
        listed = of_calls if span.kind == Span.SPAN_KIND_CLIENT else of_requests
        assert attributes(span).keys() <= listed
    assert len(collector.spans) == 6

    [requested] = collector.named("POST /auth/request-otp")
    assert requested.trace_id.hex() == TRACE
    assert (lines[0]["trace_id"], lines[0]["span_id"]) == (TRACE, requested.span_id.hex())
    assert attributes(requested) == {
        "http.request.method": "POST",
        "http.route": "/auth/request-otp",
        "http.response.status_code": 200,
        "dialtone.request_id": sent.headers["X-Request-Id"],
    }
    [call] = collector.named("POST 127.0.0.1")
    assert call.parent_span_id == requested.span_id
    assert call.status == Status(code=Status.STATUS_CODE_ERROR)
    assert attributes(call) == {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": closed,
        "error.type": "ConnectionFailed",
    }
    assert attributes(collector.named("_OTHER")[0])["dialtone.error_code"] == "method_not_allowed"
