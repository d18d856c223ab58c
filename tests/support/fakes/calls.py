"""Repositories of calls in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.voice.call import Call
from tests.support.fakes.records import Records, Repository


class InMemoryCalls(Records[Call]):
    name = "calls"


class InMemoryCallPages(Repository):
    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        await self.database.call("call_pages.list_after")
        calls = [call.value for call in reversed(_oldest_first(self.database.calls))]
        return [
            call
            for call in calls
            if identity_id in (None, call.identity_id)
            and (cursor is None or (call.started_at, call.id) < (cursor.created_at, cursor.id))
        ][:limit]


class InMemoryCallCleanup(InMemoryCalls):
    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        await self.database.call("call_cleanup.list_started")
        return [one for one in _oldest_first(self.stored) if one.value.started_at <= before][:limit]

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        await self.database.call("call_cleanup.list_of_identity")
        calls = self.stored.values()
        return [call for call in calls if call.value.identity_id == identity_id][:limit]

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        await self.database.call("call_cleanup.list_recorded")
        recorded = [
            (at, one) for one in self.stored.values() if (at := one.value.oldest_recording_at)
        ]
        oldest = sorted(recorded, key=lambda pair: pair[0])
        return [call for at, call in oldest if at <= before][:limit]

    async def delete(self, call_id: str, version: int) -> bool:
        await self.database.call("call_cleanup.delete")
        return self._delete(call_id, version)


def _oldest_first(stored: Mapping[str, Versioned[Call]]) -> list[Versioned[Call]]:
    return sorted(stored.values(), key=lambda call: (call.value.started_at, call.value.id))
