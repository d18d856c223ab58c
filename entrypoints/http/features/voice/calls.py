"""The call log."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from litestar import Controller, get
from litestar.di import Provide
from litestar.types import ASGIApp

from application.administration.operator import Operator, staff_member
from application.features.voice.call_log import CallPage, CallsFeature
from application.features.voice.ports import RecordingFile
from application.limits.file_reads import FileReads
from domain import errors
from domain.administration.scopes import Scope
from domain.cursor import Cursor, encode_cursor, parse_cursor
from domain.features.voice.call import (
    Call,
    CallDirection,
    CallNotFound,
    CallRecordingNotFound,
    CallStatus,
)
from domain.features.voice.step import CallOutcome
from domain.identifier import parse_identifier
from entrypoints.http.features.voice.fields import show_call_status
from entrypoints.http.fields import (
    ID_DESCRIPTION,
    USER_ID_EXAMPLE,
    binary_content,
    described,
    format_timestamp,
    header,
    time_field,
)
from entrypoints.http.requests.auth import (
    BEARER,
    AdministrationMiddleware,
    AuthenticationMiddleware,
)
from entrypoints.http.requests.dependencies import Injected, provide_file_reads
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import (
    CountParameter,
    CursorParameter,
    IdParameter,
    NextCursorField,
    describe_page_size,
)
from entrypoints.http.requests.parsing import FieldErrors, parsing_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.streaming import FileResponse, size_header

PAGE_SIZE: Final = CountParameter(name="limit", default=20)
RECORDING_INDEX: Final = CountParameter(name="index", default=0, minimum=0)
CALL_ID_EXAMPLE: Final = "6561a2b2c3d4e5f60718293c"

RecordingIndexParameter = Annotated[
    str | None, RECORDING_INDEX.describe("Which recording of the call, from 0.")
]
CallLimitParameter = Annotated[str | None, describe_page_size(PAGE_SIZE, "Calls")]


class RecordingResponse(msgspec.Struct, kw_only=True):
    """A recording that the caller left. The path `recording` of its call has the sound."""

    duration_seconds: Annotated[int, described("How long it is.", 17)]
    recorded_at: Annotated[str, time_field("The time when it was made, in UTC.")]


class CallResponse(msgspec.Struct, kw_only=True):
    """A call to the service, or one that read a code."""

    id: Annotated[str, described(ID_DESCRIPTION, CALL_ID_EXAMPLE)]
    direction: Annotated[
        str,
        described(
            "`inbound`: somebody called the service. `outbound`: the service called to read a"
            " code.",
            CallDirection.INBOUND.value,
            enum=[direction.value for direction in CallDirection],
        ),
    ]
    status: Annotated[
        str,
        described(
            "Where the call is. It never goes back.",
            CallStatus.COMPLETED.value,
            enum=[show_call_status(status) for status in CallStatus],
        ),
    ]
    outcome: Annotated[
        str | None,
        described(
            "What the call came to; null if it ended before it came to anything.",
            CallOutcome.CONNECTED.value,
            enum=[*(outcome.value for outcome in CallOutcome), None],
        ),
    ]
    started_at: Annotated[str, time_field("The time of the call, in UTC.")]
    ended_at: Annotated[
        str | None,
        time_field("The time of its end, in UTC; null before.", "2026-05-01T09:31:12.000Z"),
    ]
    duration_seconds: Annotated[
        int | None, described("From its start to its end; null before.", 72)
    ]
    path: Annotated[
        list[str],
        described(
            "The parts of the menu that the call reached.",
            ["welcome_back", "main_menu", "operator", "goodbye"],
        ),
    ]
    user_id: Annotated[
        str | None,
        described(
            "The user whose number it is; null for a number that has not joined, and"
            " after that user was deleted.",
            USER_ID_EXAMPLE,
        ),
    ]
    caller_verified: Annotated[
        bool,
        described(
            "Whether the user was proved to be on the phone: the code of the call opened a session."
            " Always false for inbound calls, because anybody can call with any number.",
            False,
        ),
    ]
    recordings: Annotated[
        list[RecordingResponse] | msgspec.UnsetType,
        described("What the caller left. Only for administrators."),
    ] = msgspec.UNSET


class CallPageResponse(msgspec.Struct, kw_only=True):
    """A page of the call log, the newest calls first."""

    calls: Annotated[list[CallResponse], described("The calls of the page.")]
    next_cursor: NextCursorField


RECORDING_RESPONSES: Final = {
    "200": {
        "description": "The sound of the recording.",
        "headers": {
            "Content-Disposition": header(
                "A file name.", f'attachment; filename="call-{CALL_ID_EXAMPLE}-0.mp3"'
            )
        },
        "content": binary_content("audio/mpeg"),
    }
}


def to_page_response(page: CallPage, *, has_recordings: bool) -> CallPageResponse:
    """Convert a page of calls, with the recordings only for who may hear them."""
    return CallPageResponse(
        calls=[to_call_response(call, has_recordings=has_recordings) for call in page.calls],
        next_cursor=encode_cursor(page.next_cursor) if page.next_cursor else None,
    )


def to_call_response(call: Call, *, has_recordings: bool) -> CallResponse:
    """Convert a call."""
    return CallResponse(
        id=call.id,
        direction=call.direction.value,
        status=show_call_status(call.status),
        outcome=call.outcome.value if call.outcome else None,
        started_at=format_timestamp(call.started_at),
        ended_at=format_timestamp(call.ended_at) if call.ended_at else None,
        duration_seconds=int(call.duration.total_seconds()) if call.duration else None,
        path=list(call.path),
        user_id=call.identity_id,
        caller_verified=call.is_caller_verified,
        recordings=_to_recordings(call) if has_recordings else msgspec.UNSET,
    )


def _to_recordings(call: Call) -> list[RecordingResponse]:
    return [
        RecordingResponse(
            duration_seconds=recording.duration_seconds,
            recorded_at=format_timestamp(recording.recorded_at),
        )
        for recording in call.recordings
    ]


_DEPENDENCIES: Final = {"file_reads": Provide(provide_file_reads, sync_to_thread=False)}
_RECORDING_ERRORS: Final = (
    RECORDING_INDEX.error,
    errors.Forbidden,
    CallNotFound,
    CallRecordingNotFound,
    errors.AuditFailed,
    errors.TooManyReads,
)


class CallController(Controller):
    """Calls to the service, and calls that read a code."""

    path = "/calls"
    tags = ["Calls"]
    opt = {"tag_description": "List calls, and listen to what callers left."}
    dependencies = _DEPENDENCIES
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @get(
        summary="List calls",
        response_description="The page. It may be empty.",
        errors=[PAGE_SIZE.error],
    )
    async def list_calls(
        self,
        *,
        request: ApiRequest,
        calls: Injected[CallsFeature],
        cursor: CursorParameter = None,
        limit: CallLimitParameter = None,
    ) -> CallPageResponse:
        """List the user's calls, the newest first. Administrators and auditors see all.

        A call belongs to the user whose number it came from. Anybody can call with any number, so
        an inbound call may be somebody else's: `caller_verified` is false. Staff has to have
        logged in within the last day; otherwise it sees its own calls.
        """
        after, size = _parse_page(cursor, limit)
        principal = request.principal
        page = await calls.list_calls(principal, after, size)
        return to_page_response(page, has_recordings=principal.has_scope(Scope.HEAR_RECORDINGS))

    @get(
        "/{call_id:str}/recording",
        summary="Get a recording of a call",
        file_responses=RECORDING_RESPONSES,
        errors=[*_RECORDING_ERRORS, errors.ReauthenticationRequired],
    )
    async def get_call_recording(
        self,
        *,
        request: ApiRequest,
        calls: Injected[CallsFeature],
        file_reads: Injected[FileReads],
        call_id: IdParameter,
        index: RecordingIndexParameter = None,
    ) -> ASGIApp:
        """Return the sound of a recording. Only administrators may listen to it.

        They have to have logged in within the last day.
        """
        operator = staff_member(request.principal)
        return _send_recording(request, calls, file_reads, operator, call_id, index)


class AdminCallController(Controller):
    """All calls, for people of the staff. No service token reads them."""

    path = "/admin/calls"
    tags = ["Administration"]
    dependencies = _DEPENDENCIES
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="List all calls",
        response_description="The page. It may be empty.",
        errors=[PAGE_SIZE.error, errors.Forbidden, errors.PasskeyRequired],
    )
    async def list_all_calls(
        self,
        *,
        request: ApiRequest,
        calls: Injected[CallsFeature],
        cursor: CursorParameter = None,
        limit: CallLimitParameter = None,
    ) -> CallPageResponse:
        """List the calls of everybody, the newest first, for people with the scope `calls:read`."""
        after, size = _parse_page(cursor, limit)
        page = await calls.list_calls.of_everybody(request.operator, after, size)
        has_recordings = request.operator.has_scope(Scope.HEAR_RECORDINGS)
        return to_page_response(page, has_recordings=has_recordings)

    @get(
        "/{call_id:str}/recording",
        summary="Get a recording of any call",
        file_responses=RECORDING_RESPONSES,
        errors=[*_RECORDING_ERRORS, errors.PasskeyRequired],
    )
    async def get_recording_of_any_call(
        self,
        *,
        request: ApiRequest,
        calls: Injected[CallsFeature],
        file_reads: Injected[FileReads],
        call_id: IdParameter,
        index: RecordingIndexParameter = None,
    ) -> ASGIApp:
        """Return the sound of a recording, for people with the scope `calls:recordings`.

        It is in the audit before.
        """
        return _send_recording(request, calls, file_reads, request.operator, call_id, index)


def _parse_page(cursor: str | None, limit: str | None) -> tuple[Cursor | None, int]:
    with FieldErrors() as invalid:
        with invalid.of("cursor"):
            after = None if cursor is None else parse_cursor(cursor)
        with invalid.of("limit"):
            size = PAGE_SIZE.parse(limit)
    return after, size


def _send_recording(
    request: ApiRequest,
    calls: CallsFeature,
    file_reads: FileReads,
    operator: Operator,
    call_id: str,
    index: str | None,
) -> ASGIApp:
    with parsing_field("index"):
        number = RECORDING_INDEX.parse(index)
    call = parse_identifier(call_id) or ""
    is_head = IS_HEAD in request.scope["state"]
    return FileResponse(
        lambda: calls.open_recording(operator, call, number, is_heard=not is_head),
        file_reads.permit(request.client_ip),
        {"Content-Disposition": f'attachment; filename="call-{call}-{number}.mp3"'},
        is_head=is_head,
        headers_of=_recording_headers,
    )


def _recording_headers(file: RecordingFile) -> Mapping[str, str]:
    return {"Content-Type": file.media_type, **size_header(file)}
