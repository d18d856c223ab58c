"""Exports as responses: a ZIP archive that is made while it is sent."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from litestar.response.base import ASGIResponse

from application.features.export.export_user import Export
from application.limits.file_reads import FileRead
from entrypoints.http.features.export.archive import MEDIA_TYPE, archive_name, write_archive
from entrypoints.http.fields import USER_ID_EXAMPLE, binary_content, header
from entrypoints.http.responses.streaming import FileResponse

SETTLE_SECONDS: Final = 1.0
EXPORT_RESPONSES: Final[dict[str, Any]] = {
    "200": {
        "description": "A ZIP archive: JSON and files, and a page that explains them. If it ends"
        " early, the connection is closed before the end of the response.",
        "headers": {
            "Content-Disposition": header(
                "A file name.", f'attachment; filename="{archive_name(USER_ID_EXAMPLE)}"'
            )
        },
        "content": binary_content(MEDIA_TYPE),
    }
}


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP archive that is made while it is sent, so nobody knows its size.

    Its `chunks` end with an error if it is not complete.
    """

    name: str
    chunks: AsyncIterator[bytes]
    size: None = None


def send_archive(
    opening: Callable[[], AbstractAsyncContextManager[Export]],
    permit: AbstractAsyncContextManager[FileRead],
) -> FileResponse:
    """Return the response with an export, which is opened when there is a permit."""
    return FileResponse(
        lambda: open_archive(opening()),
        permit,
        {},
        headers_of=lambda archive: _archive_headers(archive.name),
    )


def _archive_headers(name: str) -> dict[str, str]:
    return {"Content-Type": MEDIA_TYPE, "Content-Disposition": f'attachment; filename="{name}"'}


@asynccontextmanager
async def open_archive(opening: AbstractAsyncContextManager[Export]) -> AsyncIterator[Archive]:
    """Open an export as an archive. At the end of the block nothing of it is read any more."""
    async with opening as export, aclosing(_send(export)) as parts:
        yield Archive(archive_name(export.identity.id), parts)


async def _send(export: Export) -> AsyncGenerator[bytes, None]:
    """Yield all parts. The export is complete if the client is still there a second later.

    A small archive fits into the buffers of the sockets, whether or not somebody reads it. A client
    that is gone is known after that time, and this is closed.
    """
    async with aclosing(write_archive(export)) as parts:
        async for part in parts:
            if part:
                yield part
    await asyncio.sleep(SETTLE_SECONDS)
    export.complete()


def answer_head(identity_id: str) -> ASGIResponse:
    """Answer a request for the headers of an export. No export is opened for it."""
    return ASGIResponse(headers=_archive_headers(archive_name(identity_id)), is_head_response=True)
