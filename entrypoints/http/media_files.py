"""The files of the library, for who knows their address."""

import re
from typing import Final

from litestar import Controller, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream

from domain import errors
from domain.errors import MediaNotFound
from entrypoints.http.dependencies import Cases
from entrypoints.http.documented import refused_with

_KEY: Final = re.compile(r"[0-9a-f]{32}\.(?:jpg|png|gif)\Z")
_HEADERS: Final = {
    # A file never changes; how long copies outlive a deletion is what this decides.
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # A file opened by itself can run nothing and load nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


class MediaFilesController(Controller):
    """Pictures as plain image views load them: without a token, and cached for an hour."""

    path = "/media"
    tags = ["Library"]

    @get(
        "/{key:str}",
        operation_id="openFile",
        summary="A picture's file",
        responses={
            200: ResponseSpec(bytes, media_type="image/*", description="JPEG, PNG or GIF."),
            **refused_with(errors.MediaNotFound, errors.Unavailable),
        },
    )
    async def open_file(self, key: FromPath[str], use_cases: Cases) -> Stream:
        """Serve the file of an item. A deleted one is not found from that moment on."""
        if not _KEY.match(key):
            raise MediaNotFound
        opened = await use_cases.open_file(key)
        return Stream(
            opened.file.chunks,
            headers={**_HEADERS, "Content-Length": str(opened.file.size)},
            media_type=opened.item.picture.format.content_type,
        )
