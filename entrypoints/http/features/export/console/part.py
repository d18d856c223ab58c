"""The download of all data of a user, in the console."""

from pathlib import Path
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send

from application.features.export.feature import EXPORT, ExportFeature
from application.limits.file_reads import FileReads
from application.use_cases import UseCases
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.part import ActPage, ConsolePart
from entrypoints.http.features.console.request import ConsoleRequest, read_form
from entrypoints.http.features.console.user_acts import (
    ACT_ERRORS,
    USERS,
    find_user,
    has_account,
    parse_act_reason,
    render_act_error,
    show_confirmation,
)
from entrypoints.http.features.export.plugin import send_archive
from entrypoints.http.requests.dependencies import Injected, provide_file_reads
from entrypoints.http.requests.parameters import IdParameter


class ExportActController(ConsoleController):
    """The export of a user."""

    path = USERS
    opt = {NEEDED_SCOPE: EXPORT.scope}
    dependencies = {
        **ConsoleController.dependencies,
        "file_reads": Provide(provide_file_reads, sync_to_thread=False),
    }

    @get(f"/{{user_id:str}}/{EXPORT.name}")
    async def confirm(
        self, request: ConsoleRequest, use_cases: Injected[UseCases], user_id: IdParameter
    ) -> Response[Any]:
        return await show_confirmation(request, use_cases, user_id)

    @post(f"/{{user_id:str}}/{EXPORT.name}", status_code=200)
    async def export(
        self,
        request: ConsoleRequest,
        use_cases: Injected[UseCases],
        file_reads: Injected[FileReads],
        user_id: IdParameter,
    ) -> ASGIApp:
        request.operator.check_act(EXPORT)
        user = await find_user(use_cases, user_id)
        form = await read_form(request)
        query = user.subject

        async def send_export(scope: Scope, receive: Receive, send: Send) -> None:
            # What opening an export raises, it raises before anything is sent.
            try:
                reason = parse_act_reason(request, EXPORT, form)
                export_user = use_cases.of(ExportFeature).export_user
                archive = send_archive(
                    lambda: export_user(request.operator, query, reason),
                    file_reads.permit(request.client_ip),
                )
                await archive(scope, receive, send)
            except ACT_ERRORS as error:
                page = await render_act_error(request, use_cases, user, form, error)
                await page.to_asgi_response(None, request)(scope, receive, send)

        return send_export


PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(ExportActController,),
    act_pages=(
        ActPage(
            act=EXPORT,
            title="Export all data",
            is_offered=has_account,
            run=None,
            text="export/act_text.html",
            stays=True,
        ),
    ),
)
