"""Exports as responses: a ZIP archive that is made while it is sent."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, Final

from litestar.response.base import ASGIResponse

from application.export.export_user import Export
from entrypoints.export_archive import MEDIA_TYPE, archive_name, write_archive
from entrypoints.http.fields import USER_ID_EXAMPLE, binary_content, header
from entrypoints.http.streaming import Archive, archive_headers

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


@asynccontextmanager
async def open_archive(opening: AbstractAsyncContextManager[Export]) -> AsyncIterator[Archive]:
    """Open an export as an archive. At the end of the block nothing of it is read any more.

    Raises:
        DomainError, PortError: What opening the export raises.
    """
    async with opening as export, aclosing(write_archive(export)) as parts:
        yield Archive(archive_name(export.identity.id), parts)


def answer_head(identity_id: str) -> ASGIResponse:
    """Answer a request for the headers of an export. No export is opened for it."""
    return ASGIResponse(headers=archive_headers(archive_name(identity_id)), is_head_response=True)
