"""The decorators of handlers."""

from functools import cached_property, partial
from typing import Any, Final

import msgspec
from litestar import HttpMethod, Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.types import ASGIApp, AsyncAnyCallable, ExceptionHandlersMap, Receive, Scope, Send

_encode: Final = msgspec.json.Encoder().encode
_JSON_HEADER: Final = (b"content-type", b"application/json")


class ApiRouteHandler(HTTPRouteHandler):
    """A handler that returns a Struct, which is sent as JSON, None, or a response.

    The framework's own response costs a third of a small request: it merges headers, cookies and
    encoders, which no handler that returns a Struct has.
    """

    async def to_response(
        self, app: Litestar, data: Any, request: Request[Any, Any, Any]
    ) -> ASGIApp:
        """Return what sends the response."""
        if isinstance(data, msgspec.Struct):
            return partial(_send_body, _encode(data), self.status_code)
        if data is None:
            return partial(_send_body, b"", self.status_code)
        return await super().to_response(app, data, request)

    def resolve_before_request(self) -> AsyncAnyCallable | None:
        """Return what the framework calls first; if that returns a value, it is the response's.

        So the framework does not look for the arguments of a handler that takes only the request,
        or the request and a body, or the request and texts of the query.
        """
        return self._before_request

    @cached_property
    def _before_request(self) -> AsyncAnyCallable | None:
        hook, handle, body_type = super().resolve_before_request(), self.fn, self.resolve_data_dto()
        fields = self.parsed_fn_signature.parameters
        parameters = list(fields)
        is_struct = self.parsed_fn_signature.return_type.is_subclass_of(msgspec.Struct)
        if self.has_sync_callable or not is_struct:
            return hook

        async def call_with_request(request: Request[Any, Any, Any]) -> Any:
            if hook is not None:
                await hook(request)
            return await handle(request=request)

        async def call_with_body(request: Request[Any, Any, Any]) -> Any:
            if hook is not None:
                await hook(request)
            content = await request.body()
            if body_type is None or not content:
                return None  # The framework responds to a request without a body.
            return await handle(request=request, data=body_type(request).decode_bytes(content))

        names = {
            name: field.kwarg_definition.name or name
            for name, field in fields.items()
            if isinstance(field.kwarg_definition, QueryParameter)
            and field.annotation == str | None
            and field.default is None
        }

        async def call_with_query(request: Request[Any, Any, Any]) -> Any:
            if hook is not None:
                await hook(request)
            sent = dict(request.query_params.items())
            texts = {name: sent.get(sent_name) for name, sent_name in names.items()}
            return await handle(request=request, **texts)

        if parameters == ["request"]:
            return call_with_request
        if parameters == ["request", *names]:
            return call_with_query
        return call_with_body if parameters == ["request", "data"] else hook

    def resolve_exception_handlers(self) -> ExceptionHandlersMap:
        """Return the exception handlers, which the framework looks for in each request."""
        return self._exception_handlers

    @cached_property
    def _exception_handlers(self) -> ExceptionHandlersMap:
        return super().resolve_exception_handlers()


async def _send_body(
    body: bytes, status_code: int, _scope: Scope, _receive: Receive, send: Send
) -> None:
    headers = [(b"content-length", b"%d" % len(body)), _JSON_HEADER] if body else []
    await send({"type": "http.response.start", "status": status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


get: Final = partial(ApiRouteHandler, http_method=HttpMethod.GET)
post: Final = partial(ApiRouteHandler, http_method=HttpMethod.POST)
patch: Final = partial(ApiRouteHandler, http_method=HttpMethod.PATCH)
delete: Final = partial(ApiRouteHandler, http_method=HttpMethod.DELETE)
