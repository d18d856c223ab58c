"""The request that handlers take."""

import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from litestar import Request

from application.principal import Principal
from application.use_cases import UseCases
from entrypoints.http.client import CLIENT_IP, header_values, headers_of
from entrypoints.http.errors.exceptions import BodyTooLarge, InvalidBody
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.library.upload_limiter import UploadLimiter
from entrypoints.http.request_limits import RequestLimits
from entrypoints.http.settings import HttpSettings
from entrypoints.http.streaming import FileReads


class ApiRequest(Request[Any, Principal, Any]):
    """A request, and what its handler needs.

    It takes the place of the framework's dependencies: two of them are resolved by a task each,
    which costs more than a small request.
    """

    __slots__ = ("_content",)

    async def body(self) -> bytes:
        """Return the body, in one loop: the framework passes each part through a generator.

        Raises:
            BodyTooLarge: It is larger than the handler allows.
            InvalidBody: It ended too early.
        """
        if self.is_connected:
            self._content = await self._read_body()
            self.is_connected = False
        return self._content

    async def _read_body(self) -> bytes:
        max_size = self.route_handler.resolve_request_max_body_size() or math.inf
        announced = headers_of(self.scope).get(b"content-length")
        if announced and int(announced[0]) > max_size:
            raise BodyTooLarge
        parts: list[bytes] = []
        size = 0
        while True:
            message: Any = await self.receive()
            if message["type"] == "http.disconnect":
                raise InvalidBody(FieldErrorCode.INCOMPLETE_BODY, "The body ended too early.")
            part = message.get("body", b"")
            size += len(part)
            if size > max_size:
                raise BodyTooLarge
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    @property
    def principal(self) -> Principal:
        """What `require_principal` has authenticated."""
        return self.auth

    @property
    def client_ip(self) -> str:
        """The IP that the middleware has resolved."""
        scope: Any = self.scope
        client_ip: str = scope[CLIENT_IP]
        return client_ip

    @property
    def user_agent(self) -> str:
        """The header `User-Agent`, empty without one."""
        # `headers` would make an object of all headers.
        values = header_values(self.scope, b"user-agent")
        return values[0] if values else ""

    @property
    def use_cases(self) -> UseCases:
        """The use cases of the running service."""
        use_cases: UseCases = self.app.opt["use_cases"]
        return use_cases

    @property
    def settings(self) -> HttpSettings:
        """The settings of the HTTP side."""
        settings: HttpSettings = self.app.opt["settings"]
        return settings

    @property
    def request_limits(self) -> RequestLimits:
        """The limits of requests, which all requests share."""
        limits: RequestLimits = self.app.opt["request_limits"]
        return limits

    @property
    def upload_limiter(self) -> UploadLimiter:
        """The limits of uploads in progress, which all requests share."""
        limiter: UploadLimiter = self.app.opt["upload_limiter"]
        return limiter

    @property
    def file_reads(self) -> FileReads:
        """The reads of files in progress, of all requests."""
        reads: FileReads = self.app.opt["file_reads"]
        return reads

    def describe_api(self) -> bytes:
        """Return the OpenAPI description as JSON."""
        description: bytes = self.app.opt["describe_api"]()
        return description


Hook: TypeAlias = Callable[[Request[Any, Any, Any]], Awaitable[None]]


def before_request(hook: Callable[[ApiRequest], Awaitable[None]]) -> Hook:
    """Return a hook that the framework calls before the body is read.

    The type of all requests is `ApiRequest`, which the framework's types do not know. A guard would
    cost more: for each, the framework copies the handler.
    """
    return cast("Hook", hook)
