"""Delete old calls and recordings, and the names of deleted identities in the call log."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.features.voice.ports import Calls, Recordings
from application.pacing import Pace, call_in_groups
from application.ports.errors import CallProviderUnavailable
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.update import change
from domain.features.voice.call import MAX_SILENCE, Call

BATCH_SIZE: Final = 200
DEFAULT_CALL_RETENTION: Final = timedelta(days=90)
DEFAULT_RECORDING_RETENTION: Final = timedelta(days=30)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CleanUpCalls:
    """Delete what is left of calls when its time is over.

    - Recordings are deleted at the provider first, and then their references. Those of a deleted
      identity are deleted at once.
    - A call is deleted after its recordings. While they cannot be deleted, it is kept, and
      later calls are deleted nevertheless.
    """

    calls: Calls
    recordings: Recordings | None
    clock: Clock
    call_retention: timedelta = DEFAULT_CALL_RETENTION
    recording_retention: timedelta = DEFAULT_RECORDING_RETENTION

    async def __call__(self) -> Mapping[str, int]:
        recordings = await self.delete_recordings()
        ended = await self.end_calls()
        deleted = await self.delete_calls()
        return {"deleted_recordings": recordings, "deleted_calls": deleted, "ended_calls": ended}

    async def forget_identity(self, identity_id: str) -> None:
        def forget(call: Call | None) -> tuple[Call | None, None]:
            return call and call.forget_identity(), None

        while calls := await self.calls.list_of_identity(identity_id, BATCH_SIZE):
            for call in calls:
                await change(self.calls, call.value.id, forget, loaded=call)

    async def delete_recordings(self) -> int:
        deleted = 0
        before = self.clock.now() - min(self.recording_retention, self.call_retention)
        while calls := await self.calls.list_recorded(before, BATCH_SIZE):
            if self.recordings is None:
                _log.warning(
                    "Recordings are kept: the settings name no provider that can delete them"
                )
                break
            for call in (versioned.value for versioned in calls):
                for recording in call.due_recordings(before):
                    try:
                        await self.recordings.delete_recording(recording.id)
                    except CallProviderUnavailable as error:
                        _log.warning("The next cleanup deletes recordings: %s", error)
                        return deleted
                    await self._remove_recording(call.id, recording.id)
                    deleted += 1
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
