"""Exports over HTTP."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from application.features.export import EXPORT, EXPORT_LINK, LINK_TO_EXPORT, Export, Exports
from application.limits.file_reads import FileRead, FileReads
from domain import errors
from domain.errors import TooManyExports
from domain.features.export import ExportLinkNotValid
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.administration.target import TARGET_ERRORS, UserBody, parse_target
from entrypoints.http.administration.user_acts import ActPath, ActResponse, make_act_controller
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.export.archive import MEDIA_TYPE, archive_name, write_archive
from entrypoints.http.fields import USER_ID_EXAMPLE, binary_content, described, header
from entrypoints.http.requests.auth import (
    BEARER,
    AdministrationMiddleware,
    AuthenticationMiddleware,
    limit_by_ip,
)
from entrypoints.http.requests.console_cookie import read_console_cookie
from entrypoints.http.requests.dependencies import Injected, provide_file_reads
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.streaming import FileResponse

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    TooManyExports: ErrorRow(
        429,
        "rate_limited",
        "You exported your data within the last day. Wait before the next export.",
        example=partial(TooManyExports, retry_after=3600),
    ),
    ExportLinkNotValid: ErrorRow(
        404,
        "not_found",
        "This link was used, is older than a minute, or was made in another browser.",
    ),
}


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
    """A ZIP archive that is made while it is sent, so its size is unknown.

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


_DEPENDENCIES: Final = {
    "file_reads": Provide(provide_file_reads, sync_to_thread=False),
}


class OwnExportController(Controller):
    """The export of the signed-in user."""

    path = "/users"
    tags = ["Users"]
    dependencies = _DEPENDENCIES
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @get(
        "/me/export",
        summary="Export the signed-in user's data",
        file_responses=EXPORT_RESPONSES,
        errors=[errors.FreshLoginRequired, errors.TooManyExports, errors.TooManyReads],
    )
    async def export_me(
        self, request: ApiRequest, export: Injected[Exports], file_reads: Injected[FileReads]
    ) -> ASGIApp:
        """Return all data of the user as a ZIP archive: JSON and files, with a page about them.

        The user signed in within the last 15 minutes. An export is possible once a day. If the
        transfer breaks, it may be repeated within an hour.
        """
        principal = request.principal
        if IS_HEAD in request.scope["state"]:
            # It is not the export of the day.
            async with file_reads.permit(request.client_ip):
                await export.export_own_data.check(principal)
            return answer_head(principal.identity.id)
        return send_archive(
            lambda: export.export_own_data(principal), file_reads.permit(request.client_ip)
        )


class ExportController(Controller):
    """Exports of users for operators."""

    path = "/admin/users"
    tags = ["Administration"]
    dependencies = _DEPENDENCIES
    middleware = [AdministrationMiddleware]
    security = BEARER

    @post(
        f"/{EXPORT.name}",
        summary="Export the data of a user",
        status_code=200,
        file_responses=EXPORT_RESPONSES,
        act=EXPORT,
        errors=[*TARGET_ERRORS, errors.TooManyReads],
    )
    async def export_user(
        self,
        request: ApiRequest,
        export: Injected[Exports],
        file_reads: Injected[FileReads],
        data: JSONBody[UserBody],
    ) -> ASGIApp:
        """Return all data of a user as a ZIP archive: JSON and files, with a page about them.

        {who}.
        """
        target = parse_target(request, EXPORT, data)
        return send_archive(
            lambda: export.export_user(request.operator, target.query, target.reason),
            file_reads.permit(request.client_ip),
        )


class ExportDownloadController(Controller):
    """Exports that the browser of somebody of the staff saves by itself, without a token."""

    path = "/admin/downloads"
    dependencies = _DEPENDENCIES

    @get("/{secret:str}", guards=[limit_by_ip])
    async def download_export(
        self,
        request: ApiRequest,
        export: Injected[Exports],
        file_reads: Injected[FileReads],
        secret: FromPath[str],
    ) -> ASGIApp:
        is_head = IS_HEAD in request.scope["state"]
        cookie = read_console_cookie(request.scope, request.settings.server)
        operator, link = await export.link_to_export.take(secret, cookie, is_used=not is_head)
        if is_head:
            return answer_head(link.user_id)
        return send_archive(
            lambda: export.export_user(operator, link.user_id, link.reason),
            file_reads.permit(request.client_ip),
        )


class ExportLinkResponse(ActResponse, kw_only=True):
    """The link to the export."""

    path: Annotated[
        str,
        described("Where the browser opens it, once.", f"/admin/downloads/{'0a' * 32}"),
    ]
    expires_in: Annotated[int, described("Seconds until it expires.", 60)]


ACT_PATHS: Final = {
    EXPORT_LINK.name: ActPath(operation_id="link_to_export", response=ExportLinkResponse)
}


class ExportHttpAdditions(HttpAdditions):
    """The export of the own data, and those of users for operators."""

    use_cases = ("export",)
    errors = ERRORS
    controllers: Sequence[type[Controller]] = (OwnExportController,)
    administration: Sequence[type[Controller]] = (
        ExportController,
        make_act_controller([LINK_TO_EXPORT], ACT_PATHS),
    )
    hidden_controllers: Sequence[type[Controller]] = (ExportDownloadController,)
