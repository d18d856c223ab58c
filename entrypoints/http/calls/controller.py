"""The call log."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Controller, get
from litestar.types import ASGIApp

from application.ports.call_provider import RecordingFile
from domain import errors
from domain.identifier import parse_identifier
from entrypoints.http.auth import BEARER, require_principal
from entrypoints.http.calls.openapi import RecordingOperation
from entrypoints.http.calls.schemas import (
    CallCursorParameter,
    CallIdParameter,
    CallPageResponse,
    LimitParameter,
    RecordingIndexParameter,
    parse_index,
    parse_list_parameters,
    to_page_response,
)
from entrypoints.http.errors.exceptions import (
    FieldError,
    InvalidFields,
    TooManyReads,
    TooManyRequests,
)
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.middleware import IS_HEAD
from entrypoints.http.openapi.responses import error_responses
from entrypoints.http.request import ApiRequest
from entrypoints.http.streaming import Content, FileResponse


class CallController(Controller):
    """Calls to the service, and calls that read a code."""

    path = "/calls"
    tags = ["Calls"]
    guards = [require_principal]
    security = BEARER

    @get(
        operation_id="list_calls",
        summary="List calls",
        response_description="The page. It may be empty.",
        responses=error_responses(
            InvalidFields(
                FieldError(
                    "limit",
                    FieldErrorCode.INVALID_NUMBER,
                    "This must be a whole number, 1 or more.",
                )
            ),
            errors.Unauthenticated,
            TooManyRequests,
            errors.Unavailable,
        ),
    )
    async def list_calls(
        self,
        *,
        request: ApiRequest,
        cursor: CallCursorParameter = None,
        limit: LimitParameter = None,
    ) -> CallPageResponse:
        """List the caller's calls, the newest first. Administrators see those of everybody.

        A call belongs to the user whose number it came from. Anybody can call with any number, so
        an inbound call may be somebody else's: `caller_verified` is false. Administrators have to
        have logged in within the last day; otherwise they see their own calls.
        """
        after, size = parse_list_parameters(cursor, limit)
        calls = await request.use_cases.list_calls(request.principal, after, size)
        return to_page_response(calls, request.principal.viewer)

    @get(
        "/{call_id:str}/recording",
        operation_id="get_call_recording",
        summary="Get a recording of a call",
        operation_class=RecordingOperation,
        responses=error_responses(
            InvalidFields(
                FieldError(
                    "index",
                    FieldErrorCode.INVALID_NUMBER,
                    "This must be a whole number, 0 or more.",
                )
            ),
            errors.Unauthenticated,
            TooManyRequests,
            errors.Forbidden,
            errors.ReauthenticationRequired,
            errors.CallNotFound,
            errors.CallRecordingNotFound,
            TooManyReads,
            errors.Unavailable,
        ),
    )
    async def get_recording(
        self,
        *,
        request: ApiRequest,
        call_id: CallIdParameter,
        index: RecordingIndexParameter = None,
    ) -> ASGIApp:
        """Return the sound of a recording. Only administrators may listen to it.

        They have to have logged in within the last day.
        """
        number, call = parse_index(index), parse_identifier(call_id) or ""
        return FileResponse(
            lambda: _open_content(
                request.use_cases.open_recording(request.principal, call, number)
            ),
            request.file_reads.slot(request.client_ip),
            {"Content-Disposition": f'attachment; filename="call-{call}-{number}.mp3"'},
            is_head=IS_HEAD in request.scope["state"],
        )


@asynccontextmanager
async def _open_content(
    opening: AbstractAsyncContextManager[RecordingFile],
) -> AsyncIterator[Content]:
    async with opening as recording:
        yield Content(recording.media_type, recording.size, recording.chunks)
