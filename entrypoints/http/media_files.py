"""The files of the library, for who knows their address."""

import re
from typing import Final

from litestar import Controller, get
from litestar.response import Stream

from domain import errors
from domain.errors import MediaFileNotFound
from entrypoints.http.dependencies import Cases
from entrypoints.http.documented import refused_with
from entrypoints.http.media_file_operation import CACHED, MediaFileOperation
from entrypoints.http.parameters import FILE_KEY, FileKey

_KEY: Final = re.compile(FILE_KEY)
_HEADERS: Final = {
    # A file never changes; how long copies outlive a deletion is what this decides.
    "Cache-Control": CACHED,
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
        operation_class=MediaFileOperation,
        responses=refused_with(errors.MediaFileNotFound, errors.Unavailable),
    )
    async def open_file(self, key: FileKey, use_cases: Cases) -> Stream:
        """Serve the file of an item. A deleted one is not found from that moment on."""
        if not _KEY.fullmatch(key):
            raise MediaFileNotFound
        opened = await use_cases.open_file(key)
        return Stream(
            opened.file.chunks,
            headers={**_HEADERS, "Content-Length": str(opened.file.size)},
            media_type=opened.item.image.format.content_type,
        )
