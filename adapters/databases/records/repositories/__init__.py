"""The repositories of the core, over a `RecordStore`. Those of features are beside their kinds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import (
    ALL_ENTRIES,
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    ENTRIES_BY_ACTOR,
    ENTRIES_BY_SUBJECT,
    INSTANCES,
    LEASES,
    AuditEntryRecord,
    LeaseRecord,
)
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_repository import (
    RecordRepository,
    make_first_version,
    to_position,
)
from adapters.databases.records.record_store import RecordStore
from adapters.databases.records.repositories.identities import StoredIdentities
from adapters.databases.records.repositories.phone_verifications import StoredPhoneVerifications
from application.ports.administration import AuditFilter
from application.ports.repositories import Repositories
from application.update import change
from domain.administration.audit import AuditEntry
from domain.cursor import Cursor
from domain.instance import Instance
from domain.otp.delivery_report import DeliveryReport
from domain.otp.sliding_window import CLOCK_SKEW


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


class StoredLeases:
    """Leases. Of those that try at the same time, one adds or replaces the record."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        lease = LeaseRecord(expires_at=expires_at)
        stored = (await self._store.load(LEASES, [name])).get(name)
        if stored is None:
            return await self._store.add(LEASES, name, lease, make_first_version())
        if now < stored.record.expires_at <= expires_at + CLOCK_SKEW:
            return False
        return await self._store.replace(LEASES, name, lease, stored.version)


def make_repositories(
    database: Database,
    encryption: PhoneEncryption,
    *,
    keeps_events: bool = True,
) -> Repositories:
    """Return the repositories of the core over an open database."""
    store = database.records
    return Repositories(
        phone_verifications=StoredPhoneVerifications(store, encryption),
        identities=StoredIdentities(store, encryption, keeps_events=keeps_events),
        delivery_reports=RecordRepository(store, RecordMapping(DELIVERY_REPORTS, DeliveryReport)),
        audit_log=StoredAuditLog(store),
        leases=StoredLeases(store),
        instances=RecordRepository(store, RecordMapping(INSTANCES, Instance), do_ids_return=True),
        health=database.health,
    )
