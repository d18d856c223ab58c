"""The repositories of the core, over a `RecordStore`. Those of features are beside their kinds."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.identities import (
    IdentityRecord,
    PhoneChangeRecord,
    UserEventsRecord,
)
from adapters.databases.records.kinds import (
    ALL_ENTRIES,
    ALL_USERNAMES,
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    DUE_EVENTS,
    ENTRIES_BY_ACTOR,
    ENTRIES_BY_SUBJECT,
    EXTERNAL_IDS,
    FAILED_EVENTS,
    IDENTITIES,
    INSTANCES,
    LEASES,
    PHONE_CHANGES,
    PHONE_VERIFICATIONS,
    STAFF,
    STAFF_LOOK_ALIKES,
    UNPURGED,
    UNVERIFIED,
    USERNAMES,
    WITH_USERNAME,
    AuditEntryRecord,
    LeaseRecord,
)
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.phone_verifications import PhoneVerificationRecord
from adapters.databases.records.record_repository import (
    MAX_SKIPPED,
    RecordRepository,
    make_first_version,
    to_position,
)
from adapters.databases.records.record_store import (
    RecordStore,
    Replacement,
    StoredRecord,
    estimate_size,
    replace_all,
)
from application.ports.administration import AuditFilter
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from application.update import change
from domain.administration.audit import AuditEntry
from domain.cursor import Cursor
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity, User
from domain.identities.phone_change import PhoneChange
from domain.identities.role import Role
from domain.identities.username import Username
from domain.instance import Instance
from domain.otp.delivery import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber


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
        records = await self._entries.store.find(
            AUDIT_ENTRIES,
            index,
            equal,
            after=to_position(cursor),
            newest_first=True,
            limit=limit,
        )
        return [self._entries.read(stored).value for stored in records]

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


_EVENTS_NOT_SENT: Final = "events_not_sent"
_MAX_LOOK_ALIKES: Final = 20
"""Maximum people with a role and look-alike names; more are not expected."""


class IdentityMapping(RecordMapping[Identity, IdentityRecord]):
    """Identities and their records, which have encrypted phones.

    Events are recorded only if `keeps_events`. Stored events stay in any case.
    """

    def __init__(self, encryption: PhoneEncryption, *, keeps_events: bool = True) -> None:
        super().__init__(IDENTITIES, Identity)
        self._encryption = encryption
        self._keeps_events = keeps_events

    def to_record(self, value: Identity) -> IdentityRecord:
        record = super().to_record(value)
        if value.phone is not None:
            record.encrypted_phone = self._encryption.encrypt(value.phone, value.id)
        if (change := value.phone_change) is not None:
            under_way = msgspec.convert(change, PhoneChangeRecord, from_attributes=True)
            under_way.encrypted_new_phone = self._encryption.encrypt(change.new_phone, value.id)
            if change.old_phone is not None:
                under_way.encrypted_old_phone = self._encryption.encrypt(change.old_phone, value.id)
            record.phone_change_record = under_way
            record.phone_change_attempted_at = change.attempted_at
        if value.app_passkeys:
            record.passkey_added_at = value.app_passkeys[0].created_at
        if value.is_staff:
            record.staff_role = value.staff.role
        events = value.events
        if events.is_recording and not self._keeps_events:  # it was made here
            record.events = UserEventsRecord()
        elif events.unsent:
            record.next_send_at, record.events_failed_at = events.next_send_at, events.failed_at
        return record

    def to_value(self, record: IdentityRecord) -> Identity:
        identity = super().to_value(record)
        changes: dict[str, Any] = {}
        if record.encrypted_phone is not None:
            changes["phone"] = self._encryption.decrypt(record.encrypted_phone, record.id)
        if (user := identity.user) is not None:
            username = Username(user.username.text, record.username_key)
            changes["user"] = User(username, user.created_at)
        if record.phone_change_record is not None:
            changes["phone_change"] = self._to_phone_change(record.phone_change_record, record.id)
        if not self._keeps_events:
            changes["events"] = replace(identity.events, is_recording=False)
        return replace(identity, **changes)

    def _to_phone_change(self, record: PhoneChangeRecord, identity_id: str) -> PhoneChange:
        old_phone = record.encrypted_old_phone
        phones = {
            "new_phone": self._encryption.decrypt(record.encrypted_new_phone, identity_id),
            "old_phone": old_phone and self._encryption.decrypt(old_phone, identity_id),
        }
        return msgspec.convert({**msgspec.structs.asdict(record), **phones}, PhoneChange)


class StoredIdentities(RecordRepository[Identity, IdentityRecord]):
    """Identities, also deleted ones."""

    id_field = "user_id"

    def __init__(
        self, store: RecordStore, encryption: PhoneEncryption, *, keeps_events: bool = True
    ) -> None:
        super().__init__(store, IdentityMapping(encryption, keeps_events=keeps_events))

    async def replace_phone(self, identity: Identity, version: int) -> bool:
        record = self.mapping.to_record(identity)
        return await self.store.replace(
            self.kind, identity.id, record, version, also_written_once=True
        )

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        records = await self.store.find(self.kind, USERNAMES, [username.key], limit=1)
        return self.read(records[0]) if records else None

    async def list_staff_like(self, username: Username) -> Sequence[Versioned[Identity]]:
        found = await asyncio.gather(
            *(
                self.store.find(self.kind, STAFF_LOOK_ALIKES, [key], limit=_MAX_LOOK_ALIKES)
                for key in {*username.look_alike_keys}
            )
        )
        listed = [self.read(stored) for records in found for stored in records]
        return [each for each in listed if each.value.keeps(username)]

    async def list_administrators(self, limit: int) -> Sequence[Versioned[Identity]]:
        role = [Role.ADMINISTRATOR.value]
        return await self.list_readable(STAFF, "administrator_not_listed", role, limit=limit)

    async def find_by_external_id(self, external_id: ExternalId) -> Versioned[Identity] | None:
        records = await self.store.find(self.kind, EXTERNAL_IDS, [external_id], limit=1)
        return self.read(records[0]) if records else None

    async def list_phone_changes(
        self, attempted: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        return await self.list_until(PHONE_CHANGES, attempted, limit, offset)

    async def list_with_due_events(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        return await self.list_readable(
            DUE_EVENTS,
            _EVENTS_NOT_SENT,
            until=now,
            limit=limit,
            offset=offset,
            max_skipped=MAX_SKIPPED,
        )

    async def list_with_failed_events(self, limit: int) -> Sequence[Versioned[Identity]]:
        return await self.list_readable(
            FAILED_EVENTS, _EVENTS_NOT_SENT, limit=limit, max_skipped=MAX_SKIPPED
        )

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        found = await self.store.load(self.kind, identity_ids) if identity_ids else {}
        return frozenset(
            stored.id for stored in found.values() if stored.record.deleted_at is not None
        )

    async def list_expired(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        return await self.list_until(UNVERIFIED, now, limit, offset)

    async def list_unpurged(self, limit: int, offset: int = 0) -> Sequence[Versioned[Identity]]:
        return await self.list_until(UNPURGED, None, limit, offset)

    async def list_with_username(
        self, deleted: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        return await self.list_until(WITH_USERNAME, deleted, limit, offset)

    async def count_users(self, limit: int) -> int | None:
        named = await self.store.count(self.kind, ALL_USERNAMES, (), limit + 1)
        if named > limit:
            return None
        return max(0, named - await self.store.count(self.kind, WITH_USERNAME, (), limit))

    async def estimate_number(self) -> int:
        return await estimate_size(self.store, self.kind)


VERIFICATIONS: Final = RecordMapping(PHONE_VERIFICATIONS, PhoneVerification)
"""The mapping; the encrypted phone is set beside it."""


class _WithRecords(RecordRepository[Any, PhoneVerificationRecord]):
    """Verifications beside their records, which have the encrypted phone."""

    def read(self, stored: StoredRecord[PhoneVerificationRecord]) -> Versioned[Any]:
        return Versioned((stored, self.mapping.to_value(stored.record)), stored.version)


class StoredPhoneVerifications:
    """Phone verifications by the blind index of the phone."""

    def __init__(self, store: RecordStore, encryption: PhoneEncryption) -> None:
        self._store = store
        self._encryption = encryption
        self._with_records = _WithRecords(store, VERIFICATIONS)

    async def load(self, phone: PhoneNumber, /) -> Versioned[PhoneVerification]:
        phone_index = self._encryption.blind_index(phone)
        loaded = await self._store.load(PHONE_VERIFICATIONS, [phone_index])
        if phone_index not in loaded:
            return Versioned(PhoneVerification(), 0)
        stored = loaded[phone_index]
        return Versioned(VERIFICATIONS.to_value(stored.record), stored.version)

    async def save(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int, /
    ) -> bool:
        phone_index = self._encryption.blind_index(phone)
        record = VERIFICATIONS.to_record(verification)
        if record.has_phone:
            record.encrypted_phone = self._encryption.encrypt(phone, phone_index)
        if version == 0:
            first = make_first_version()
            return await self._store.add(PHONE_VERIFICATIONS, phone_index, record, first)
        return await self._store.replace(PHONE_VERIFICATIONS, phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        index = PHONE_VERIFICATIONS.find_index("client_ips_expire_at")
        pruned = []
        for loaded in await self._with_records.list_until(index, now, limit):
            stored, verification = loaded.value
            record = VERIFICATIONS.to_record(verification.prune(now))
            if record.has_phone:
                record.encrypted_phone = stored.record.encrypted_phone
            pruned.append(Replacement(stored.id, record, stored.version))
        return await replace_all(self._store, PHONE_VERIFICATIONS, pruned)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self._store.delete_expired(PHONE_VERIFICATIONS, now, limit)
