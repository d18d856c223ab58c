"""The repository of identities."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.databases.records.identities import (
    IdentityRecord,
    PhoneChangeRecord,
    UserEventsRecord,
)
from adapters.databases.records.kinds import (
    ALL_USERNAMES,
    DUE_EVENTS,
    EXTERNAL_IDS,
    FAILED_EVENTS,
    IDENTITIES,
    PHONE_CHANGES,
    STAFF,
    STAFF_LOOK_ALIKES,
    UNPURGED,
    UNVERIFIED,
    USERNAMES,
    WITH_USERNAME,
)
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.record_store import RecordStore, estimate_size
from application.ports.versioned import Versioned
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity, User
from domain.identities.phone_change import PhoneChange
from domain.identities.role import Role
from domain.identities.username import Username

_EVENTS_NOT_SENT: Final = "events_not_sent"
_MAX_LOOK_ALIKES: Final = 20
"""More people with a role and look-alike names are not expected."""


class IdentityMapping(RecordMapping[Identity, IdentityRecord]):
    """Identities and their records, which have encrypted phones.

    Events are recorded only if `keeps_events`. Those that are stored stay in any case.
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
        found = await self.store.find(self.kind, USERNAMES, [username.key], limit=1)
        return self.read(found[0]) if found else None

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
        found = await self.store.find(self.kind, EXTERNAL_IDS, [external_id], limit=1)
        return self.read(found[0]) if found else None

    async def list_phone_changes(
        self, attempted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        return await self.list_until(PHONE_CHANGES, attempted, limit)

    async def list_with_due_events(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        return await self.list_readable(
            DUE_EVENTS, _EVENTS_NOT_SENT, until=now, limit=limit, offset=offset
        )

    async def list_with_failed_events(self, limit: int) -> Sequence[Versioned[Identity]]:
        return await self.list_readable(FAILED_EVENTS, _EVENTS_NOT_SENT, limit=limit)

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        found = await self.store.load(self.kind, identity_ids) if identity_ids else {}
        return frozenset(
            stored.id for stored in found.values() if stored.record.deleted_at is not None
        )

    async def list_expired(self, now: datetime, limit: int) -> Sequence[Versioned[Identity]]:
        return await self.list_until(UNVERIFIED, now, limit)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        return await self.list_until(UNPURGED, None, limit)

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        return await self.list_until(WITH_USERNAME, deleted, limit)

    async def count_users(self, limit: int) -> int | None:
        named = await self.store.count(self.kind, ALL_USERNAMES, (), limit + 1)
        if named > limit:
            return None
        return max(0, named - await self.store.count(self.kind, WITH_USERNAME, (), limit))

    async def estimate_number(self) -> int:
        return await estimate_size(self.store, self.kind)
