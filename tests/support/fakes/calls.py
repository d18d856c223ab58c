"""Repositories of calls in memory."""

from collections.abc import Iterable, Sequence
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
        return [
            stored.value
            for stored in reversed(_oldest_first(self.database.calls.values()))
            if identity_id in (None, stored.value.identity_id)
            and (cursor is None or _age_of(stored) < (cursor.created_at, cursor.id))
        ][:limit]


class InMemoryCallCleanup(InMemoryCalls):
    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        await self.database.call("call_cleanup.list_started")
        calls = _oldest_first(self.stored.values())
        return [call for call in calls if call.value.started_at <= before][:limit]

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        await self.database.call("call_cleanup.list_of_identity")
        calls = self.stored.values()
        return [call for call in calls if call.value.identity_id == identity_id][:limit]

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        await self.database.call("call_cleanup.list_recorded")
        recorded = [
            (recorded_at, call)
            for call in self.stored.values()
            if (recorded_at := call.value.oldest_recording_at) and recorded_at <= before
        ]
        return [call for _, call in sorted(recorded, key=lambda pair: pair[0])][:limit]

    async def delete(self, call_id: str, version: int) -> bool:
        await self.database.call("call_cleanup.delete")
        return self._delete(call_id, version)


def _age_of(call: Versioned[Call]) -> tuple[datetime, str]:
    return call.value.started_at, call.value.id


def _oldest_first(calls: Iterable[Versioned[Call]]) -> list[Versioned[Call]]:
    return sorted(calls, key=_age_of)
