"""The repository of audit entries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.records.administration import AuditEntryRecord
from adapters.records.kinds import ALL_ENTRIES, AUDIT_ENTRIES, ENTRIES_BY_ACTOR, ENTRIES_BY_SUBJECT
from adapters.records.mapping import RecordMapping
from adapters.records.record_repository import RecordRepository, to_position
from adapters.records.record_store import RecordStore
from application.ports.administration import AuditFilter
from application.update import change
from domain.administration.audit import AuditEntry
from domain.cursor import Cursor


class StoredAuditLog:
    """Audit entries. They are added, and deleted after their retention; only a count changes."""

    def __init__(self, store: RecordStore) -> None:
        self._entries = RecordRepository[AuditEntry, AuditEntryRecord](
            store, RecordMapping(AUDIT_ENTRIES, AuditEntry)
        )

    async def add(self, entry: AuditEntry) -> bool:
        return await self._entries.add(entry)

    async def count(self, entry: AuditEntry) -> None:
        def add(stored: AuditEntry | None) -> tuple[AuditEntry, None]:
            if stored is None:
                return entry, None
            return replace(stored, count=(stored.count or 0) + (entry.count or 0)), None

        await change(self._entries, entry.id, add)

    async def list_after(
        self, audit_filter: AuditFilter, cursor: Cursor | None, limit: int
    ) -> Sequence[AuditEntry]:
        index, equal = ALL_ENTRIES, list[str]()
        if audit_filter.subject is not None:
            index, equal = ENTRIES_BY_SUBJECT, [audit_filter.subject]
        elif audit_filter.actor is not None:
            actor = audit_filter.actor
            index, equal = ENTRIES_BY_ACTOR, [actor.kind.value, actor.id]
        found = await self._entries.store.find(
            AUDIT_ENTRIES,
            index,
            equal,
            after=to_position(cursor),
            newest_first=True,
            limit=limit,
        )
        return [self._entries.read(stored).value for stored in found]

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self._entries.delete_expired(now, limit)
