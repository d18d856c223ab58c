"""Repositories of calls in memory."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from application.ports.versioned import Versioned
from domain.page import Cursor
from domain.voice.call import Call


@dataclass(frozen=True, slots=True)
class InMemoryCalls:
    """Calls in memory.

    Attributes:
        stored: The calls by id.
        on_call: Called first in each method, with its name.
    """

    stored: dict[str, Versioned[Call]]
    on_call: Callable[[str], Awaitable[None]]

    async def load(self, call_id: str) -> Versioned[Call] | None:
        await self.on_call("calls.load")
        return self.stored.get(call_id)

    async def add(self, call: Call) -> bool:
        await self.on_call("calls.add")
        return self.stored.setdefault(call.id, added := Versioned(call, 1)) is added

    async def replace(self, call: Call, version: int) -> bool:
        await self.on_call("calls.replace")
        had_version = _has_version(self.stored, call.id, version)
        if had_version:
            self.stored[call.id] = Versioned(call, version + 1)
        return had_version


@dataclass(frozen=True, slots=True)
class InMemoryCallPages:
    """Pages of the calls in memory."""

    stored: dict[str, Versioned[Call]]
    on_call: Callable[[str], Awaitable[None]]

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        await self.on_call("call_pages.list_after")
        calls = [record.value for record in _oldest_first(self.stored.values())][::-1]
        return [
            call
            for call in calls
            if identity_id in (None, call.identity_id)
            and (cursor is None or (call.started_at, call.id) < (cursor.created_at, cursor.id))
        ][:limit]


@dataclass(frozen=True, slots=True)
class InMemoryCallCleanup:
    """The calls in memory that the cleanup looks for."""

    stored: dict[str, Versioned[Call]]
    on_call: Callable[[str], Awaitable[None]]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        await self.on_call("call_cleanup.list_started")
        calls = _oldest_first(self.stored.values())
        return [call for call in calls if call.value.started_at <= before][:limit]

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        await self.on_call("call_cleanup.list_of_identity")
        calls = self.stored.values()
        return [call for call in calls if call.value.identity_id == identity_id][:limit]

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        await self.on_call("call_cleanup.list_recorded")
        recorded = [
            (recorded_at, call)
            for call in self.stored.values()
            if (recorded_at := call.value.oldest_recording_at) and recorded_at <= before
        ]
        return [call for _, call in sorted(recorded, key=lambda pair: pair[0])][:limit]

    async def delete(self, call_id: str, version: int) -> bool:
        await self.on_call("call_cleanup.delete")
        had_version = _has_version(self.stored, call_id, version)
        if had_version:
            del self.stored[call_id]
        return had_version


def _oldest_first(calls: Iterable[Versioned[Call]]) -> list[Versioned[Call]]:
    return sorted(calls, key=lambda call: (call.value.started_at, call.value.id))


def _has_version(stored: dict[str, Versioned[Call]], call_id: str, version: int) -> bool:
    return call_id in stored and stored[call_id].version == version
