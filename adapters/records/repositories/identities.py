"""The repository of identities."""

import asyncio
import logging
from collections.abc import Awaitable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from adapters.records.identities import IdentityMapping, IdentityRecord
from adapters.records.kinds import (
    ADMINISTRATORS,
    ALL_USERNAMES,
    DUE_EVENTS,
    EXTERNAL_IDS,
    FAILED_EVENTS,
    PHONE_CHANGES,
    STAFF_LOOK_ALIKES,
    UNPURGED,
    UNVERIFIED,
    USERNAMES,
    WITH_USERNAME,
)
from adapters.records.record_kind import Index
from adapters.records.record_repository import RecordRepository
from adapters.records.record_store import (
    IndexPosition,
    RecordStore,
    StoredRecord,
    estimate_size,
)
from application.ports.changes import ChangeObserver
from application.ports.errors import CorruptRecord
from application.ports.versioned import Versioned
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.username import Username

_EVENTS_NOT_SENT: Final = "events_not_sent"
_MAX_UNREADABLE: Final = 20
"""More unreadable records than that are no single accident: a key is missing, for example."""
_MAX_LOOK_ALIKES: Final = 20
"""More people with a role and look-alike names are not expected."""

_log = logging.getLogger(__name__)

_Found = Sequence[StoredRecord[IdentityRecord]]


class _Read(Protocol):
    def __call__(self, limit: int, /, *, offset: int) -> Awaitable[_Found]: ...


class StoredIdentities(RecordRepository[Identity, IdentityRecord]):
    """Identities, also deleted ones."""

    def __init__(
        self, store: RecordStore, mapping: IdentityMapping, observer: ChangeObserver | None = None
    ) -> None:
        """Set the store, the mapping, and who is told of changes."""
        super().__init__(store, mapping, on_change=observer.identity_changed if observer else None)
        self._known_unreadable = set[str]()

    async def replace_phone(self, identity: Identity, version: int) -> bool:
        record = self.mapping.to_record(identity)
        is_replaced = await self.store.replace(
            self.kind, identity.id, record, int(version), also_written_once=True
        )
        if is_replaced:
            await self.report_change(identity, version)
        return is_replaced

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
        return await self.list_readable(ADMINISTRATORS, "administrator_not_listed", limit=limit)

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

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[Identity]]:
        scan = partial(self.store.scan, self.kind, after_id)
        return await self._list_readable(scan, _EVENTS_NOT_SENT, limit)

    async def list_readable(
        self,
        index: Index,
        log_event: str,
        *,
        until: datetime | None = None,
        after: IndexPosition | None = None,
        limit: int,
        offset: int = 0,
    ) -> Sequence[Versioned[Identity]]:
        """List identities of an index without those that cannot be read, which the log has."""

        def find(size: int, *, offset: int) -> Awaitable[_Found]:
            return self.store.find(
                self.kind, index, until=until, after=after, limit=size, offset=offset
            )

        return await self._list_readable(find, log_event, limit, offset)

    async def _list_readable(
        self, read: _Read, log_event: str, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        """List identities without those that cannot be read.

        If a batch has one of these, a half of it is read, and so on, until it is alone. The log has
        an event for it.
        """
        listed, unreadable, size = dict[str, Versioned[Identity]](), 0, limit
        while len(listed) < limit:
            found: _Found = ()
            try:
                found = await read(size, offset=offset)
                listed |= {stored.id: self.read(stored) for stored in found}
            except CorruptRecord as error:
                if size > 1:
                    size //= 2
                    continue
                unreadable += 1
                if unreadable > _MAX_UNREADABLE:
                    raise
                self._log_unreadable(log_event, error, found)
                offset, size = offset + 1, limit
                continue
            if len(found) < size:
                break
            offset += size
        return [*listed.values()][:limit]

    def _log_unreadable(self, event: str, error: CorruptRecord, found: _Found) -> None:
        """Log once that an identity cannot be read, with its id if that can be."""
        fields = {"reason": str(error)}
        if found:
            fields["user_id"] = found[0].id
        key = " ".join([event, *fields.values()])
        if key not in self._known_unreadable:
            self._known_unreadable.add(key)
            _log.warning({"event": event, **fields})

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
