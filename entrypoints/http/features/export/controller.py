"""Exports of all data of a person."""

from typing import Final

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import JSONBody
from litestar.types import ASGIApp

from application.features.export.acts import EXPORT
from application.features.export.feature import ExportFeature
from application.limits.file_reads import FileReads
from domain import errors
from entrypoints.http.core.administration.target import TARGET_ERRORS, UserBody, parse_target
from entrypoints.http.features.export.responses import EXPORT_RESPONSES, answer_head, send_archive
from entrypoints.http.requests.auth import (
    BEARER,
    AdministrationMiddleware,
    AuthenticationMiddleware,
)
from entrypoints.http.requests.dependencies import Injected, provide, provide_file_reads
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.request import ApiRequest

_DEPENDENCIES: Final = {
    "exports": provide(lambda use_cases: use_cases.of(ExportFeature)),
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
        self, request: ApiRequest, exports: Injected[ExportFeature], file_reads: Injected[FileReads]
    ) -> ASGIApp:
        """Return all data of the user as a ZIP archive: JSON and files, with a page about them.

        The user signed in within the last 15 minutes. An export is possible once a day. If the
        transfer breaks, it may be repeated within an hour.
        """
        principal = request.principal
        if IS_HEAD in request.scope["state"]:
            # It is not the export of the day.
            async with file_reads.permit(request.client_ip):
                await exports.export_own_data.check(principal)
            return answer_head(principal.identity.id)
        return send_archive(
            lambda: exports.export_own_data(principal), file_reads.permit(request.client_ip)
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
        exports: Injected[ExportFeature],
        file_reads: Injected[FileReads],
        data: JSONBody[UserBody],
    ) -> ASGIApp:
        """Return all data of a user as a ZIP archive: JSON and files, with a page about them.

        {who}.
        """
        target = parse_target(request, EXPORT, data)
        return send_archive(
            lambda: exports.export_user(request.operator, target.query, target.reason),
            file_reads.permit(request.client_ip),
        )
