"""Files that are the same for everybody: scripts, styles, the API description."""

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from litestar import Response, get
from litestar.datastructures import Headers
from litestar.handlers import HTTPRouteHandler

from entrypoints.http.requests.middleware import VARY
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.preconditions import Validators

_CODING: Final = re.compile(
    r"\s*(?P<coding>[\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*(?P<q>[01](?:\.[0-9]{0,3})?)\s*)?",
    re.ASCII | re.IGNORECASE,
)
_LEVEL: Final = 9


def compress(content: bytes) -> bytes:
    """Compress content, to the same bytes each time."""
    return gzip.compress(content, _LEVEL, mtime=0)


def prefers_gzip(headers: Headers) -> bool:
    """Return whether `Accept-Encoding` permits gzip, and prefers nothing else that we have.

    Without the header it does not: the client may be one that decodes nothing.
    """
    weights: dict[str, float] = {}
    for text in ",".join(headers.getall("accept-encoding", [])).split(","):
        if match := _CODING.fullmatch(text):
            weights[match["coding"].lower()] = float(match["q"] or 1)
    others = weights.get("*", 0.0)
    weight = weights.get("gzip", weights.get("x-gzip", others))
    return 0 < weight <= 1 and weight >= weights.get("identity", 0.0)


KEPT_BUT_ASKED_FOR: Final = MappingProxyType({"Cache-Control": "public, no-cache"})
"""A client keeps the file, and asks each time: the next version of the service has another one."""


@dataclass(frozen=True)
class ServedFile:
    """A file, which is read when a client first asks for it."""

    media_type: str
    read: Callable[[], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    has_etag: bool = False
    is_compressed: bool = False
    headers_of: Callable[[ApiRequest], Mapping[str, str]] = lambda _: {}

    @cached_property
    def _plain(self) -> tuple[bytes, Validators]:
        return _with_etag(self.read())

    @cached_property
    def _compressed(self) -> tuple[bytes, Validators]:
        return _with_etag(compress(self._plain[0]))

    def respond(self, request: ApiRequest) -> Response[bytes]:
        """Return the response with the file, or that the client has it already."""
        is_compressed = self.is_compressed and prefers_gzip(request.headers)
        content, validators = self._compressed if is_compressed else self._plain
        headers = {**self.headers, **self.headers_of(request)}
        if self.is_compressed:
            scope: Any = request.scope
            scope[VARY] = b"Accept-Encoding"
        if self.has_etag:
            headers |= validators.headers
            if validators.is_not_modified(request.headers):
                return Response(b"", status_code=304, media_type=self.media_type, headers=headers)
        if is_compressed:
            headers["Content-Encoding"] = "gzip"
        return Response(content, media_type=self.media_type, headers=headers)


def serve_files(served: Mapping[str, ServedFile], **options: Any) -> HTTPRouteHandler:
    """Return the handler of these files, by their paths."""

    @get([*served], include_in_schema=False, **options)
    async def get_file(request: ApiRequest) -> Response[bytes]:
        return served[request.scope["path_template"]].respond(request)

    return get_file


def _with_etag(content: bytes) -> tuple[bytes, Validators]:
    return content, Validators(etag=f'"{sha256(content).hexdigest()}"')
