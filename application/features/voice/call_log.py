"""The call log and its recordings, which are kept also after the phone line has gone."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from application.additions import Additions
from application.administration.export_files import ExportFile, MissingFiles, json_file
from application.administration.operator import Operator
from application.core_ports import CorePorts
from application.features.voice.ports import Calls, RecordingFile, Recordings, VoiceRepositories
from application.opened import Opened
from application.operations.cleanup import expire
from application.pacing import Pace, call_in_groups
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.principal import Principal
from application.record_act import RecordAct
from application.update import change
from application.use_cases import UseCases
from domain.administration.audit import AuditAction
from domain.administration.retained_data import RetainedData
from domain.administration.scopes import Scope
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.errors import Unavailable
from domain.features.voice.call import MAX_SILENCE, Call, CallNotFound, CallRecordingNotFound
from domain.identities.identity import Identity


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
        identity_id = None if principal.has_scope(Scope.READ_CALLS) else principal.identity.id
        return await self._list(identity_id, cursor, limit)

    async def of_everybody(self, operator: Operator, cursor: Cursor | None, limit: int) -> CallPage:
        operator.check_use(Scope.READ_CALLS)
        return await self._list(None, cursor, limit)

    async def _list(self, identity_id: str | None, cursor: Cursor | None, limit: int) -> CallPage:
        size = min(limit, MAX_PAGE_SIZE)
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
        self, operator: Operator, call_id: str, index: int = 0, *, is_heard: bool = True
    ) -> AsyncIterator[RecordingFile]:
        """Open a recording until the end of the block.

        It is in the audit, but for the own one. If `is_heard` is false, only its size is read: that
        is not in the audit.

        Raises:
            CallNotFound
            CallRecordingNotFound
            Unavailable: there is no call provider, or it does not answer.
        """
        operator.check_use(Scope.HEAR_RECORDINGS)
        loaded = await self.calls.load(call_id)
        if loaded is None:
            raise CallNotFound
        kept = loaded.value.recordings
        if not 0 <= index < len(kept):
            raise CallRecordingNotFound
        if self.recordings is None:
            raise Unavailable
        # The number of a call without an identity never joined: its own id names it.
        subject = loaded.value.identity_id or call_id
        is_recorded = is_heard and subject != operator.actor.id
        listening = self.record_act(operator.actor, AuditAction.LISTEN, subject)
        try:
            async with (
                self.recordings.open_recording(kept[index].id) as recording,
                listening if is_recorded else nullcontext(),
            ):
                yield recording
        except RecordingNotFound as error:
            raise CallRecordingNotFound from error
        except CallProviderUnavailable as error:
            raise Unavailable from error


BATCH_SIZE: Final = 200
DEFAULT_CALL_RETENTION: Final = timedelta(days=90)
DEFAULT_RECORDING_RETENTION: Final = timedelta(days=30)

MAX_FAILED_RECORDINGS: Final = 3
"""How many deletions fail before a cleanup waits for the next one: the provider is away."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CleanUpCalls:
    """Delete what is left of calls when its time is over.

    - Recordings are deleted at the provider first, and then their references. Those of a deleted
      identity are deleted at once.
    - A call is deleted after its recordings. While they cannot be deleted, it is kept, and
      later calls and recordings are deleted nevertheless.
    """

    calls: Calls
    recordings: Recordings | None
    clock: Clock
    call_retention: timedelta = DEFAULT_CALL_RETENTION
    recording_retention: timedelta = DEFAULT_RECORDING_RETENTION

    async def forget_identity(self, identity_id: str) -> None:
        def forget(call: Call | None) -> tuple[Call | None, None]:
            return call and call.forget_identity(), None

        while calls := await self.calls.list_of_identity(identity_id, BATCH_SIZE):
            for call in calls:
                await change(self.calls, call.value.id, forget, loaded=call)

    async def delete_recordings(self) -> int:
        deleted, limit = 0, BATCH_SIZE
        failed: set[str] = set()
        before = self.clock.now() - min(self.recording_retention, self.call_retention)
        while calls := await self.calls.list_recorded(before, limit):
            if self.recordings is None:
                _log.warning(
                    "Recordings are kept: the settings name no provider that can delete them"
                )
                break
            due = [
                (call.value.id, recording.id)
                for call in calls
                for recording in call.value.due_recordings(before)
                if recording.id not in failed
            ]
            for call_id, recording_id in due:
                try:
                    await self.recordings.delete_recording(recording_id)
                except CallProviderUnavailable as error:
                    _log.warning("The next cleanup deletes a recording: %s", error)
                    failed.add(recording_id)
                    if len(failed) == MAX_FAILED_RECORDINGS:
                        return deleted
                    continue
                await self._remove_recording(call_id, recording_id)
                deleted += 1
            if not due:  # all of them have failed: look behind them
                if len(calls) < limit:
                    break
                limit *= 2
        return deleted

    async def _remove_recording(self, call_id: str, recording_id: str) -> None:
        def remove(call: Call | None) -> tuple[Call | None, None]:
            return call and call.remove_recording(recording_id), None

        await change(self.calls, call_id, remove)

    async def end_calls(self) -> int:
        ended, pace = 0, Pace()
        before = self.clock.now() - MAX_SILENCE
        while calls := await self.calls.list_unfinished(before, BATCH_SIZE):
            replaced = await call_in_groups(self._end, calls)
            ended += sum(replaced)
            if not any(replaced):  # they have changed: the next cleanup looks again
                break
            await pace.pause()
        return ended

    async def delete_calls(self) -> int:
        deleted, limit, pace = 0, BATCH_SIZE, Pace()
        before = self.clock.now() - self.call_retention
        while True:
            calls = await self.calls.list_started(before, limit)
            removed = await call_in_groups(
                self._delete, [call for call in calls if not call.value.recordings]
            )
            deleted += sum(removed)
            if len(calls) < limit:
                return deleted
            if not any(removed):  # all of them have recordings: look behind them
                limit *= 2
            await pace.pause()

    async def _end(self, call: Versioned[Call]) -> bool:
        return await self.calls.replace(call.value.end_without_status(), call.version)

    async def _delete(self, call: Versioned[Call]) -> bool:
        return await self.calls.delete(call.value.id, call.version)


LAST_CALLS: Final = 10


@dataclass(frozen=True, slots=True)
class CallDetails:
    """The last calls of a user, the newest first."""

    calls: Sequence[Call]


def show_calls(calls: Calls, call_retention: timedelta) -> Additions:
    """Return what shows calls, and what remains of them. Only records are read."""

    async def load(identity: Identity | None) -> CallDetails | None:
        if identity is None or identity.is_deleted:
            return None
        return CallDetails(await calls.list_after(identity.id, None, LAST_CALLS))

    def retain(deleted_at: datetime) -> RetainedData:
        return RetainedData(
            "calls, without the account", "the call log", deleted_at + call_retention
        )

    return Additions(details=(load,), cleaned_up=("recordings",), retained_data=(retain,))


@dataclass(frozen=True, slots=True)
class ExportCalls:
    """The calls of a person, and what the person said.

    Recordings are opened one at a time, and never held in memory.
    """

    stored: Calls
    recordings: Recordings | None

    explained_files: ClassVar[Mapping[str, str]] = {
        "calls.json": "calls from and to your number: when, how long, and what came of them",
        "recordings/": "what you said, if you left a recording",
    }

    async def check(self, identity: Identity) -> None:
        pass  # the provider of calls is asked for each recording only

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        calls, cursor = list[Call](), None
        while page := await self.stored.list_after(identity.id, cursor, MAX_PAGE_SIZE):
            calls += page
            cursor = Cursor(page[-1].started_at, page[-1].id)
        yield json_file("calls.json", [_describe_call(call) for call in calls], now)
        for call in calls:
            for number, recording in enumerate(call.recordings):
                name = _recording_name(call, number)
                if self.recordings is None:
                    missing.add(name, "The provider that has it is not set up any more.")
                    continue
                try:
                    async with self.recordings.open_recording(recording.id) as file:
                        yield ExportFile(name, recording.recorded_at, file.chunks)
                except RecordingNotFound:
                    missing.add(name)


def _describe_call(call: Call) -> Mapping[str, Any]:
    return {
        "id": call.id,
        "direction": call.direction.value,
        "status": call.status.value,
        "outcome": call.outcome.value if call.outcome else None,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "language": call.locale,
        "path": call.path,
        "is_caller_verified": call.is_caller_verified,
        "recordings": [
            {
                "file": _recording_name(call, number),
                "duration_seconds": recording.duration_seconds,
                "recorded_at": recording.recorded_at,
            }
            for number, recording in enumerate(call.recordings)
        ],
    }


def _recording_name(call: Call, number: int) -> str:
    return f"recordings/{call.id}-{number}.mp3"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsPolicy:
    """How long calls and recordings are kept."""

    call_retention: timedelta = DEFAULT_CALL_RETENTION
    recording_retention: timedelta = DEFAULT_RECORDING_RETENTION


def open_calls(
    core_ports: CorePorts,
    repositories: VoiceRepositories,
    recordings: Recordings | None,
    policy: CallsPolicy,
) -> Opened["CallsFeature"]:
    """Open the call log, which is exported and cleaned up."""
    calls = repositories.calls

    async def mark_verified(call_id: str, identity_id: str) -> None:
        """Mark the call that read the code of a login as that of the identity."""
        await change(calls, call_id, lambda call: (call and call.verify_caller(identity_id), None))

    clean_up = CleanUpCalls(
        calls,
        recordings,
        core_ports.system.clock,
        policy.call_retention,
        policy.recording_retention,
    )
    return Opened(
        lambda core: CallsFeature(core, repositories, recordings, clean_up),
        Additions(
            exported=(ExportCalls(calls, recordings),),
            after_login_by_call=(mark_verified,),
            cleanup_steps={"expired_webhooks": expire(repositories.used_webhooks)},
            final_cleanups={
                "deleted_recordings": clean_up.delete_recordings,
                "ended_calls": clean_up.end_calls,
                "deleted_calls": clean_up.delete_calls,
            },
            on_purge=(clean_up.forget_identity,),
        ),
    )


class CallsFeature:
    """The use cases of the call log.

    `recordings` are those of the provider, also where no calls are answered any more; None where
    the settings name none.
    """

    def __init__(
        self,
        core: UseCases,
        repositories: VoiceRepositories,
        recordings: Recordings | None,
        clean_up_calls: CleanUpCalls,
    ) -> None:
        self.calls = calls = repositories.calls
        self.recordings = recordings
        self.list_calls = ListCalls(calls)
        self.open_recording = OpenRecording(calls, recordings, core.record_act)
        self.clean_up_calls = clean_up_calls
