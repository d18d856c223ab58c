"""A collector of traces by OTLP over HTTP."""

import gzip
from collections.abc import Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.servers.http_server import Exchange, HttpServer


class Collector(HttpServer):
    """`bodies` is what has arrived; `statuses` are those of the next responses, before 200."""

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
