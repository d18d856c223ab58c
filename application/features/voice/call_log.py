"""The call log and its recordings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

from application.features.voice.ports import Calls, RecordingFile, Recordings
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.principal import Principal
from application.record_act import RecordAct
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.errors import Unavailable
from domain.features.voice.call import Call
from domain.features.voice.errors import CallNotFound, CallRecordingNotFound


@dataclass(frozen=True, slots=True)
class CallPage:
    """Calls, newest first, and the cursor of the next page if there is one."""

    calls: Sequence[Call]
    next_cursor: Cursor | None


@dataclass(frozen=True, slots=True)
class ListCalls:
    """List the principal's calls, or those of everybody for staff who may read them.

    An inbound call appears to the owner of its caller id, who may not have called.
    """

    calls: Calls

    async def __call__(self, principal: Principal, cursor: Cursor | None, limit: int) -> CallPage:
        size = min(limit, MAX_PAGE_SIZE)
        identity_id = None if principal.has_scope(Scope.READ_CALLS) else principal.identity.id
        calls = await self.calls.list_after(identity_id, cursor, size + 1)
        shown = calls[:size]
        has_more = len(calls) > len(shown)
        return CallPage(shown, Cursor(shown[-1].started_at, shown[-1].id) if has_more else None)


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """Open a recording of a call, for administrators."""

    calls: Calls
    recordings: Recordings | None
    record_act: RecordAct

    @asynccontextmanager
    async def __call__(
        self, principal: Principal, call_id: str, index: int = 0, *, is_heard: bool = True
    ) -> AsyncIterator[RecordingFile]:
        """Open a recording until the end of the block.

        If `is_heard` is false, only its size is read: that is not in the audit.

        Raises:
            CallNotFound
            CallRecordingNotFound
            Unavailable: there is no call provider, or it does not answer.
        """
        principal.check_scope(Scope.HEAR_RECORDINGS)
        loaded = await self.calls.load(call_id)
        if loaded is None:
            raise CallNotFound
        kept = loaded.value.recordings
        if not 0 <= index < len(kept):
            raise CallRecordingNotFound
        if self.recordings is None:
            raise Unavailable
        # Nobody joined with the number of a call without an identity: its own id names it.
        subject = loaded.value.identity_id or call_id
        listening = self.record_act.for_another(principal, AuditAction.LISTEN, subject)
        try:
            async with (
                self.recordings.open_recording(kept[index].id) as recording,
                listening if is_heard else nullcontext(),
            ):
                yield recording
        except RecordingNotFound as error:
            raise CallRecordingNotFound from error
        except CallProviderUnavailable as error:
            raise Unavailable from error
