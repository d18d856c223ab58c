"""The tracer of OpenTelemetry."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from application.ports.tracing import Attributes, RequestSpan, Span, TracedRequest

ERROR_TYPE: Final = "error.type"
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class _OpenTelemetrySpan:
    """A span of the SDK. One that is not sampled takes everything and keeps nothing."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        """The id of the trace."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    @property
    def span_id(self) -> str:
        """The id of the span."""
        return trace.format_span_id(self._span.get_span_context().span_id)

    def set_name(self, name: str, /) -> None:
        self._span.update_name(name)

    def set_attributes(self, attributes: Attributes, /) -> None:
        self._span.set_attributes(attributes)

    def fail(self, error_type: str, /) -> None:
        self._span.set_attribute(ERROR_TYPE, error_type)
        # Without a description: it would be the text of an error.
        self._span.set_status(Status(StatusCode.ERROR))


_NO_SPAN: Final = _OpenTelemetrySpan(trace.INVALID_SPAN)


class OpenTelemetryTracer:
    """Makes spans, in the context of OpenTelemetry.

    - Nothing is put into the headers of calls: a provider of messages has no business with a trace.
    - The trace of a client that is not trusted is not continued: it could make all requests sampled
      ones, or parts of the same trace.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        """Take a tracer of the SDK."""
        self._tracer = tracer

    def trace_request(self, request: TracedRequest, /) -> AbstractContextManager[RequestSpan]:
        """Return the span of a request."""
        parent = context.Context()
        if request.traceparent is not None and request.is_trusted:
            headers = {
                "traceparent": request.traceparent,
                "tracestate": request.tracestate or "",
            }
            parent = _PROPAGATOR.extract(headers, parent)
        attributes = {"http.request.method": request.method}
        return self._trace(request.method, SpanKind.SERVER, attributes, parent)

    def trace_call(self, name: str, attributes: Attributes, /) -> AbstractContextManager[Span]:
        """Return the span of a call, if it belongs to a request that is recorded."""
        if not trace.get_current_span().is_recording():
            return nullcontext(_NO_SPAN)
        return self._trace(name, SpanKind.CLIENT, attributes, context.get_current())

    @contextmanager
    def _trace(
        self, name: str, kind: SpanKind, attributes: Attributes, parent: context.Context
    ) -> Iterator[_OpenTelemetrySpan]:
        started = self._tracer.start_span(
            name,
            parent,
            kind,
            attributes,
            # Their messages and frames have what clients sent.
            record_exception=False,
            set_status_on_exception=False,
        )
        span = _OpenTelemetrySpan(started)
        token = context.attach(trace.set_span_in_context(started, parent))
        try:
            yield span
        except BaseException as error:
            span.fail(type(error).__qualname__)
            raise
        finally:
            context.detach(token)
            started.end()
