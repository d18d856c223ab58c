"""The repository of identities."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from adapters.records.identities import IdentityRecord
from adapters.records.kinds import (
    ALL_USERNAMES,
    DUE_EVENTS,
    EXTERNAL_IDS,
    FAILED_EVENTS,
    PHONE_CHANGES,
    STAFF,
    STAFF_LOOK_ALIKES,
    UNPURGED,
    UNVERIFIED,
    USERNAMES,
    WITH_USERNAME,
)
from adapters.records.record_repository import RecordRepository
from adapters.records.record_store import (
    estimate_size,
)
from application.ports.versioned import Versioned
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.username import Username

_EVENTS_NOT_SENT: Final = "events_not_sent"
_MAX_LOOK_ALIKES: Final = 20
"""More people with a role and look-alike names are not expected."""


class StoredIdentities(RecordRepository[Identity, IdentityRecord]):
    """Identities, also deleted ones."""

    id_field = "user_id"

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
