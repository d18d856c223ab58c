"""The call log."""

from collections.abc import Mapping

from litestar import Controller, get
from litestar.di import Provide
from litestar.types import ASGIApp

from application.features.voice.calls import CallsFeature
from application.features.voice.ports import RecordingFile
from application.limits.file_reads import FileReads
from domain import errors
from domain.cursor import parse_cursor
from domain.features.voice import errors as voice_errors
from domain.identifier import parse_identifier
from entrypoints.http.features.voice.calls import schemas
from entrypoints.http.requests.auth import BEARER, AuthenticationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide, provide_file_reads
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import CursorParameter, IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parsing_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.streaming import FileResponse, size_header


class CallController(Controller):
    """Calls to the service, and calls that read a code."""

    path = "/calls"
    tags = ["Calls"]
    opt = {"tag_description": "List calls, and listen to what callers left."}
    dependencies = {
        "calls": provide(lambda use_cases: use_cases.of(CallsFeature)),
        "file_reads": Provide(provide_file_reads, sync_to_thread=False),
    }
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @get(
        summary="List calls",
        response_description="The page. It may be empty.",
        errors=[schemas.PAGE_SIZE.error],
    )
    async def list_calls(
        self,
        *,
        request: ApiRequest,
        calls: Injected[CallsFeature],
        cursor: CursorParameter = None,
        limit: schemas.CallLimitParameter = None,
    ) -> schemas.CallPageResponse:
        """List the user's calls, the newest first. Administrators and auditors see all.

        A call belongs to the user whose number it came from. Anybody can call with any number, so
        an inbound call may be somebody else's: `caller_verified` is false. Staff has to have
        logged in within the last day; otherwise it sees its own calls.
        """
        with FieldErrors() as invalid:
            with invalid.of("cursor"):
                after = None if cursor is None else parse_cursor(cursor)
            with invalid.of("limit"):
                size = schemas.PAGE_SIZE.parse(limit)
        page = await calls.list_calls(request.principal, after, size)
        return schemas.to_page_response(page, request.principal.viewer)

    @get(
        "/{call_id:str}/recording",
        summary="Get a recording of a call",
        file_responses=schemas.RECORDING_RESPONSES,
        errors=[
            schemas.RECORDING_INDEX.error,
            errors.Forbidden,
            errors.ReauthenticationRequired,
            voice_errors.CallNotFound,
            voice_errors.CallRecordingNotFound,
            errors.AuditFailed,
            errors.TooManyReads,
        ],
    )
    async def get_call_recording(
        self,
        *,
        request: ApiRequest,
        calls: Injected[CallsFeature],
        file_reads: Injected[FileReads],
        call_id: IdParameter,
        index: schemas.RecordingIndexParameter = None,
    ) -> ASGIApp:
        """Return the sound of a recording. Only administrators may listen to it.

        They have to have logged in within the last day.
        """
        with parsing_field("index"):
            number = schemas.RECORDING_INDEX.parse(index)
        call = parse_identifier(call_id) or ""
        is_head = IS_HEAD in request.scope["state"]
        return FileResponse(
            lambda: calls.open_recording(request.principal, call, number, is_heard=not is_head),
            file_reads.permit(request.client_ip),
            {"Content-Disposition": f'attachment; filename="call-{call}-{number}.mp3"'},
            is_head=is_head,
            headers_of=_recording_headers,
        )


def _recording_headers(file: RecordingFile) -> Mapping[str, str]:
    return {"Content-Type": file.media_type, **size_header(file)}
