"""All repositories of the application's ports, written once over a `RecordStore`."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar

from adapters.records.administration import AuditEntryRecord, ServiceTokenRecord
from adapters.records.calls import CallMapping, CallRecord
from adapters.records.costs import DailyCostsRecord
from adapters.records.database import Database
from adapters.records.identities import IdentityMapping, IdentityRecord
from adapters.records.instances import InstanceRecord
from adapters.records.kinds import (
    ALL_CALLS,
    ALL_ENTRIES,
    ALL_USERNAMES,
    AUDIT_ENTRIES,
    CALLS,
    CALLS_OF_IDENTITY,
    CONSOLE_SESSIONS,
    DAILY_COSTS,
    DELETIONS,
    DELIVERY_REPORTS,
    DUE_EVENTS,
    DUE_NOTICES,
    ENTRIES_BY_ACTOR,
    ENTRIES_BY_SUBJECT,
    EXTERNAL_IDS,
    FAILED_EVENTS,
    HOURLY_COUNTS,
    IDEMPOTENCY_KEYS,
    IDENTITIES,
    IDENTITIES_WITH_NEW_PHONE,
    INSTANCES,
    ITEM_FILTERS,
    ITEM_PAGES,
    LEASES,
    MEDIA_ITEMS,
    MEDIA_USAGES,
    PHONE_ASSIGNMENTS,
    PHONE_CHANGES,
    PHONE_VERIFICATIONS,
    RECORDED_CALLS,
    REQUESTED_DELETIONS,
    SERVICE_TOKENS,
    STAFF_LOOK_ALIKES,
    UNCHALLENGED_ATTEMPTS,
    UNFINISHED_CALLS,
    UNPURGED,
    UNVERIFIED,
    UPLOAD_DEADLINES,
    USED_ATTESTATIONS,
    USERNAMES,
    WITH_USERNAME,
)
from adapters.records.leases import LeaseRecord
from adapters.records.mapping import RecordMapping
from adapters.records.media import MediaItemRecord, MediaUsageRecord
from adapters.records.phone_assignments import PhoneAssignmentsMapping, PhoneAssignmentsRecord
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.phone_verifications import PhoneVerificationMapping, PhoneVerificationRecord
from adapters.records.record_kind import Index, Record, RecordKind
from adapters.records.record_store import (
    Position,
    RecordStore,
    Replacement,
    StoredRecord,
    estimate_size,
    replace_all,
)
from adapters.records.statistics import HourlyCountsRecord
from application.ports.administration import AuditFilter
from application.ports.errors import CorruptRecord
from application.ports.journal import ChangeObserver
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.administration.audit import AuditEntry
from domain.administration.service_token import ServiceToken
from domain.console.session import ConsoleSession
from domain.costs.sums import DailyCosts
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.phone_assignment import PhoneAssignments
from domain.identities.username import Username
from domain.instance import Instance
from domain.media.idempotency import IdempotencyKey
from domain.media.item import ItemState, MediaItem
from domain.media.page import ItemFilter
from domain.media.usage import MediaUsage
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import CLOCK_SKEW
from domain.otp.unchallenged_attempts import UnchallengedAttempts
from domain.otp.used_attestation import UsedAttestation
from domain.page import Cursor
from domain.phone import PhoneNumber
from domain.statistics.hourly_counts import HourlyCounts
from domain.voice.call import Call


class _RecordWithId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
V = TypeVar("V", bound=_RecordWithId)
R = TypeVar("R", bound=Record)

BATCH_SIZE: Final = 500
_VERSION_BITS: Final = 62
_MAX_UNREADABLE: Final = 20
"""More unreadable records than that are no single accident: a key is missing, for example."""
_MAX_LOOK_ALIKES: Final = 20
"""More people with a role and look-alike names are not expected."""
_STATES_WITH_FILES: Final = (ItemState.HIDDEN, ItemState.READY, ItemState.HIDDEN)
"""In this order, so that an item is found that is hidden or shown again between two queries."""
_VERIFICATIONS: Final = PhoneVerificationMapping(PHONE_VERIFICATIONS)

_log = logging.getLogger(__name__)


def make_first_version() -> int:
    """Return a random version for a record whose id may have been used before.

    A record that was loaded, expired and was deleted could otherwise replace a new one that has
    reached the same version.
    """
    return 1 + random.getrandbits(_VERSION_BITS)


class _LoadedVersion(int):
    """The version of a record that was loaded by its id, with its value."""

    former: Any

    @classmethod
    def of(cls, loaded: Versioned[T]) -> Versioned[T]:
        """Return what was loaded with such a version."""
        version = cls(loaded.version)
        version.former = loaded.value
        return Versioned(loaded.value, version)


class RecordRepository(Generic[V, R]):
    """The records of one kind, by id. A repository that needs no more is one of these."""

    def __init__(
        self,
        store: RecordStore,
        mapping: RecordMapping[V, R],
        *,
        do_ids_return: bool = False,
        on_change: Callable[[V, V], Awaitable[None]] | None = None,
    ) -> None:
        """Set the store, and the mapping of the kind.

        Args:
            store: The store.
            mapping: The mapping of the kind.
            do_ids_return: Whether an id may be used again after its record was deleted.
            on_change: Is called after a record that `load` returned was replaced, with its former
                value and the new one. Jobs that list records make no acts of people.
        """
        self._do_ids_return = do_ids_return
        self._on_change = on_change
        self.store: Final = store
        self.mapping: Final = mapping
        self.kind: Final = mapping.kind

    async def load(self, record_id: str) -> Versioned[V] | None:
        """Load the record with this id, or return None."""
        found = await self.store.load(self.kind, [record_id])
        if record_id not in found:
            return None
        loaded = self.read(found[record_id])
        return loaded if self._on_change is None else _LoadedVersion.of(loaded)

    async def add(self, value: V) -> bool:
        """Add a record, unless its id is taken."""
        record = self.mapping.to_record(value)
        version = make_first_version() if self._do_ids_return else 1
        return await self.store.add(self.kind, value.id, record, version)

    async def replace(self, value: V, version: int) -> bool:
        """Replace the known fields of a record if it has this version."""
        return await self._replace(self.kind, value, version)

    async def _replace(self, kind: RecordKind[R], value: V, version: int) -> bool:
        record = self.mapping.to_record(value)
        is_replaced = await self.store.replace(kind, value.id, record, int(version))
        if is_replaced and self._on_change is not None and isinstance(version, _LoadedVersion):
            await self._on_change(version.former, value)
        return is_replaced

    async def delete(self, record_id: str, version: int) -> bool:
        """Delete the record if it has this version."""
        return await self.store.delete(self.kind, record_id, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired records, and return their number."""
        return await self.store.delete_expired(self.kind, now, limit)

    async def list_until(
        self, index: Index, time: datetime | None, limit: int
    ) -> Sequence[Versioned[V]]:
        """List records of an index up to a time, the earliest first."""
        found = await self.store.find(self.kind, index, until=time, limit=limit)
        return [self.read(stored) for stored in found]

    def read(self, stored: StoredRecord[R]) -> Versioned[V]:
        """Return the value of a stored record, with its version.

        Raises:
            CorruptRecord
        """
        return Versioned(self.mapping.to_value(stored.record), stored.version)


class StoredPhoneVerifications:
    """Phone verifications by the blind index of the phone.

    The phone of one that is blocked or held is kept, encrypted.
    """

    def __init__(
        self,
        store: RecordStore,
        encryption: PhoneEncryption,
        observer: ChangeObserver | None = None,
    ) -> None:
        """Set the store, the encryption of the phones, and who is told of changes."""
        self._store = store
        self._encryption = encryption
        self._observer = observer

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        """Load the verification, or an empty one at version 0."""
        loaded = await self.load_by_index(self._encryption.blind_index(phone))
        return loaded if self._observer is None else _LoadedVersion.of(loaded)

    async def load_by_index(self, phone_index: str) -> Versioned[PhoneVerification]:
        """Load the verification of the phone with this blind index, as `load` does."""
        found = await self._store.load(PHONE_VERIFICATIONS, [phone_index])
        if phone_index not in found:
            return Versioned(PhoneVerification(), 0)
        stored = found[phone_index]
        return Versioned(_VERIFICATIONS.to_value(stored.record), stored.version)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Replace the verification if it has this version; version 0 adds it."""
        phone_index = self._encryption.blind_index(phone)
        record = _VERIFICATIONS.to_record_of(verification, phone, phone_index, self._encryption)
        is_replaced = await self._write(phone_index, record, int(version))
        if is_replaced and self._observer is not None and isinstance(version, _LoadedVersion):
            await self._observer.phone_changed(phone, version.former, verification)
        return is_replaced

    async def block_by_index(self, phone_index: str, now: datetime) -> bool:
        """Block the phone with this blind index, and return whether that succeeded."""
        found = (await self._store.load(PHONE_VERIFICATIONS, [phone_index])).get(phone_index)
        verification = _VERIFICATIONS.to_value(found.record) if found else PhoneVerification()
        record = _VERIFICATIONS.to_record(verification.block(now))
        if found is None:
            return await self._write(phone_index, record, 0)
        record.encrypted_phone = found.record.encrypted_phone
        return await self._write(phone_index, record, found.version)

    async def _write(self, phone_index: str, record: PhoneVerificationRecord, version: int) -> bool:
        if version == 0:
            first = make_first_version()
            return await self._store.add(PHONE_VERIFICATIONS, phone_index, record, first)
        return await self._store.replace(PHONE_VERIFICATIONS, phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` verifications with expired client IPs, and return their number."""
        index = PHONE_VERIFICATIONS.find_index("client_ips_expire_at")
        expired = await self._store.find(PHONE_VERIFICATIONS, index, until=now, limit=limit)
        pruned = []
        for stored in expired:
            record = _VERIFICATIONS.to_record(_VERIFICATIONS.to_value(stored.record).prune(now))
            if record.has_phone:
                record.encrypted_phone = stored.record.encrypted_phone
            pruned.append(Replacement(stored.id, record, stored.version))
        return await replace_all(self._store, PHONE_VERIFICATIONS, pruned)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired verifications, and return their number."""
        return await self._store.delete_expired(PHONE_VERIFICATIONS, now, limit)


class StoredIdentities(RecordRepository[Identity, IdentityRecord]):
    """Identities, also deleted ones."""

    def __init__(
        self, store: RecordStore, mapping: IdentityMapping, observer: ChangeObserver | None = None
    ) -> None:
        """Set the store, the mapping, and who is told of changes."""
        super().__init__(store, mapping, on_change=observer.identity_changed if observer else None)
        self._known_unreadable = set[str]()

    async def replace_phone(self, identity: Identity, version: int) -> bool:
        """Replace the identity, also its phone, if it has this version."""
        return await self._replace(IDENTITIES_WITH_NEW_PHONE, identity, version)

    async def find_by_username(self, username: Username) -> Versioned[Identity] | None:
        """Find the identity with this username, deleted or not."""
        found = await self.store.find(self.kind, USERNAMES, [username.key], limit=1)
        return self.read(found[0]) if found else None

    async def list_staff_like(self, username: Username) -> Sequence[Versioned[Identity]]:
        """List identities that have a role, and a name that looks like this one."""
        found = await asyncio.gather(
            *(
                self.store.find(self.kind, STAFF_LOOK_ALIKES, [key], limit=_MAX_LOOK_ALIKES)
                for key in {*username.look_alike_keys}
            )
        )
        listed = [self.read(stored) for records in found for stored in records]
        return [each for each in listed if each.value.keeps(username)]

    async def find_by_external_id(self, external_id: ExternalId) -> Versioned[Identity] | None:
        """Find the identity that another system calls so."""
        found = await self.store.find(self.kind, EXTERNAL_IDS, [external_id], limit=1)
        return self.read(found[0]) if found else None

    async def list_phone_changes(
        self, attempted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """List identities whose change of the phone was attempted by this time."""
        return await self.list_until(PHONE_CHANGES, attempted, limit)

    async def list_with_due_events(
        self, now: datetime, limit: int, offset: int = 0
    ) -> Sequence[Versioned[Identity]]:
        """List identities with an event that is sent by now, the earliest first."""
        return await self._list_readable(DUE_EVENTS, now, limit, offset)

    async def list_with_failed_events(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List identities with an event that is not sent again, the earliest failure first."""
        return await self._list_readable(FAILED_EVENTS, None, limit, 0)

    async def _list_readable(
        self, index: Index, until: datetime | None, limit: int, offset: int
    ) -> Sequence[Versioned[Identity]]:
        """List identities of an index without those that cannot be read.

        If a batch has one of these, a half of it is read, and so on, until it is alone.
        """
        listed, unreadable, size = dict[str, Versioned[Identity]](), 0, limit
        while len(listed) < limit:
            found: Sequence[StoredRecord[IdentityRecord]] = ()
            try:
                found = await self.store.find(
                    self.kind, index, until=until, limit=size, offset=offset
                )
                listed |= {stored.id: self.read(stored) for stored in found}
            except CorruptRecord as error:
                if size > 1:
                    size //= 2
                    continue
                unreadable += 1
                if unreadable > _MAX_UNREADABLE:
                    raise
                self._log_unreadable(error, found)
                offset, size = offset + 1, limit
                continue
            if len(found) < size:
                break
            offset += size
        return [*listed.values()][:limit]

    def _log_unreadable(
        self, error: CorruptRecord, found: Sequence[StoredRecord[IdentityRecord]]
    ) -> None:
        """Log once that an identity cannot be read, with its id if that can be."""
        fields = {"reason": str(error)}
        if found:
            fields["user_id"] = found[0].id
        key = " ".join(fields.values())
        if key not in self._known_unreadable:
            self._known_unreadable.add(key)
            _log.warning({"event": "events_not_sent", **fields})

    async def find_deleted(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids whose identity is deleted."""
        found = await self.store.load(DELETIONS, identity_ids)
        return frozenset(
            stored.id for stored in found.values() if stored.record.deleted_at is not None
        )

    async def list_expired(self, now: datetime, limit: int) -> Sequence[Versioned[Identity]]:
        """List identities that have expired, the earliest first."""
        return await self.list_until(UNVERIFIED, now, limit)

    async def list_unpurged(self, limit: int) -> Sequence[Versioned[Identity]]:
        """List deleted identities that are not purged, the oldest deletion first."""
        return await self.list_until(UNPURGED, None, limit)

    async def list_with_username(
        self, deleted: datetime, limit: int
    ) -> Sequence[Versioned[Identity]]:
        """List identities that were deleted by this time and still have a username."""
        return await self.list_until(WITH_USERNAME, deleted, limit)

    async def count_users(self, limit: int) -> int | None:
        """Return the number of users, None where more have a username than `limit`."""
        named = await self.store.count(self.kind, ALL_USERNAMES, (), limit + 1)
        if named > limit:
            return None
        return max(0, named - await self.store.count(self.kind, WITH_USERNAME, (), limit))

    async def estimate_number(self) -> int:
        """Return about how many identities there are; 0 if the database cannot tell."""
        return await estimate_size(self.store, self.kind)


class StoredPhoneAssignments(RecordRepository[PhoneAssignments, PhoneAssignmentsRecord]):
    """The numbers that were assigned to identities within seven days."""

    async def list_due_notices(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[PhoneAssignments]]:
        """List those with a message that is sent by now, the earliest first."""
        return await self.list_until(DUE_NOTICES, now, limit)


class StoredMediaItems(RecordRepository[MediaItem, MediaItemRecord]):
    """The items of the library, in any state."""

    async def list_page(
        self, item_filter: ItemFilter, offset: int, limit: int
    ) -> Sequence[MediaItem]:
        """List items of a page after the first `offset`."""
        return await self._list(item_filter, None, limit, offset)

    async def list_after(
        self, item_filter: ItemFilter, cursor: Cursor, limit: int
    ) -> Sequence[MediaItem]:
        """List items of a page after a position."""
        return await self._list(item_filter, cursor, limit, 0)

    async def count(self, item_filter: ItemFilter, limit: int) -> int:
        """Return the number of items on all pages, at most `limit`."""
        index, equal = _select(item_filter)
        # Nearly all items are ready.
        may_estimate = index is ITEM_PAGES[()] and not item_filter.is_hidden
        return await self.store.count(self.kind, index, equal, limit, may_estimate=may_estimate)

    async def list_owned_by(self, owner_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items of an owner that are not marked for deletion."""
        found = await self._find_owned(ItemState.PENDING, owner_id, limit)
        for state in _STATES_WITH_FILES:
            if len(found) < limit:
                found += await self._find_owned(state, owner_id, limit - len(found))
        return [self.read(stored) for stored in {stored.id: stored for stored in found}.values()]

    async def list_by_id(self, after_id: str, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items in any state after this id."""
        found = await self.store.scan(self.kind, after_id, limit)
        return [self.read(stored) for stored in found]

    async def list_sizes(self, owner_id: str) -> Mapping[str, int]:
        """Return the id and the bytes of each ready or hidden item of an owner."""
        return {
            stored.id: stored.record.image.bytes
            for state in _STATES_WITH_FILES
            for stored in await self._find_all_owned(state, owner_id)
        }

    async def list_deleting_ids(self, owner_id: str, requested_after: datetime) -> Sequence[str]:
        """List the ids of an owner's items whose deletion was requested after this time."""
        deleting = await self._find_all_owned(ItemState.DELETING, owner_id)
        deleting += await self._find_all_owned(ItemState.DELETION_REFUSED, owner_id)
        return [
            stored.id
            for stored in deleting
            if (requested_at := stored.record.deletion_requested_at) is not None
            and requested_at > requested_after
        ]

    async def list_expired_uploads(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List pending items whose upload deadline has passed."""
        return await self.list_until(UPLOAD_DEADLINES, now, limit)

    async def list_deleting(
        self, requested_before: datetime, limit: int
    ) -> Sequence[Versioned[MediaItem]]:
        """List items that were marked for deletion by this time."""
        return await self.list_until(REQUESTED_DELETIONS, requested_before, limit)

    async def list_refused_deletions(self, limit: int) -> Sequence[Versioned[MediaItem]]:
        """List items whose file the store refused to delete, the oldest first."""
        found = await self.store.find(
            self.kind, ITEM_PAGES[()], [ItemState.DELETION_REFUSED.value], limit=limit
        )
        return [self.read(stored) for stored in found]

    async def _list(
        self, item_filter: ItemFilter, cursor: Cursor | None, limit: int, offset: int
    ) -> Sequence[MediaItem]:
        index, equal = _select(item_filter)
        found = await self.store.find(
            self.kind,
            index,
            equal,
            after=_to_position(cursor),
            newest_first=True,
            limit=limit,
            offset=offset,
        )
        return [self.read(stored).value for stored in found]

    async def _find_owned(
        self, state: ItemState, owner_id: str, limit: int, after: Position | None = None
    ) -> list[StoredRecord[MediaItemRecord]]:
        index = ITEM_PAGES["owner_id",]
        equal = [state.value, owner_id]
        return [*await self.store.find(self.kind, index, equal, after=after, limit=limit)]

    async def _find_all_owned(
        self, state: ItemState, owner_id: str
    ) -> list[StoredRecord[MediaItemRecord]]:
        found = batch = await self._find_owned(state, owner_id, BATCH_SIZE)
        while len(batch) == BATCH_SIZE:
            last = Position(batch[-1].record.created_at, batch[-1].id)
            batch = await self._find_owned(state, owner_id, BATCH_SIZE, last)
            found = [*found, *batch]
        return found


class StoredMediaUsages(RecordRepository[MediaUsage, MediaUsageRecord]):
    """What users have in the library, by the id of the user."""

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """List up to `limit` usages that are due to be counted anew."""
        return await self.list_until(self.kind.find_index("recount_at"), now, limit)


class StoredCalls(RecordRepository[Call, CallRecord]):
    """Calls."""

    async def list_after(
        self, identity_id: str | None, cursor: Cursor | None, limit: int
    ) -> Sequence[Call]:
        """List calls after a position, the newest first."""
        found = await self.store.find(
            self.kind,
            ALL_CALLS if identity_id is None else CALLS_OF_IDENTITY,
            [] if identity_id is None else [identity_id],
            after=_to_position(cursor),
            newest_first=True,
            limit=limit,
        )
        return [self.read(stored).value for stored in found]

    async def list_started(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls that started by this time."""
        return await self.list_until(ALL_CALLS, before, limit)

    async def list_of_identity(self, identity_id: str, limit: int) -> Sequence[Versioned[Call]]:
        """List calls of an identity."""
        found = await self.store.find(self.kind, CALLS_OF_IDENTITY, [identity_id], limit=limit)
        return [self.read(stored) for stored in found]

    async def list_recorded(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls whose oldest recording was made by this time."""
        return await self.list_until(RECORDED_CALLS, before, limit)

    async def list_unfinished(self, before: datetime, limit: int) -> Sequence[Versioned[Call]]:
        """List calls without an end whose last request was sent by this time."""
        return await self.list_until(UNFINISHED_CALLS, before, limit)


class StoredAuditLog:
    """Audit entries. They are added, and deleted after their retention; nothing replaces one."""

    def __init__(self, store: RecordStore) -> None:
        """Set the store."""
        self._entries = RecordRepository[AuditEntry, AuditEntryRecord](
            store, RecordMapping(AUDIT_ENTRIES, AuditEntry)
        )

    async def add(self, entry: AuditEntry) -> bool:
        """Add an entry."""
        return await self._entries.add(entry)

    async def list_after(
        self, audit_filter: AuditFilter, cursor: Cursor | None, limit: int
    ) -> Sequence[AuditEntry]:
        """List entries after the cursor, the newest first."""
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
            after=_to_position(cursor),
            newest_first=True,
            limit=limit,
        )
        return [self._entries.read(stored).value for stored in found]

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` entries whose retention has passed, and return their number."""
        return await self._entries.delete_expired(now, limit)


class StoredServiceTokens(RecordRepository[ServiceToken, ServiceTokenRecord]):
    """Service tokens."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        """List tokens, those that expire last first."""
        index = self.kind.find_index("expires_at")
        found = await self.store.find(self.kind, index, newest_first=True, limit=limit)
        return [self.read(stored).value for stored in found]


class StoredDailyCosts(RecordRepository[DailyCosts, DailyCostsRecord]):
    """The costs of each day and process."""

    async def list_after(self, cursor: Cursor, until: datetime, limit: int) -> Sequence[DailyCosts]:
        """List those after a position, of days that start by then."""
        index = self.kind.find_index("starts_at")
        after = _to_position(cursor)
        found = await self.store.find(self.kind, index, after=after, until=until, limit=limit)
        return [self.read(stored).value for stored in found]


class StoredHourlyCounts(RecordRepository[HourlyCounts, HourlyCountsRecord]):
    """The counts of each hour and process."""

    async def list_after(
        self, cursor: Cursor, until: datetime, limit: int
    ) -> Sequence[HourlyCounts]:
        """List those after a position, of hours that start by then."""
        index = self.kind.find_index("starts_at")
        after = _to_position(cursor)
        found = await self.store.find(self.kind, index, after=after, until=until, limit=limit)
        return [self.read(stored).value for stored in found]


class StoredLeases:
    """Leases. Of those that try at the same time, one adds or replaces the record."""

    def __init__(self, store: RecordStore) -> None:
        """Set the store."""
        self._store = store

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        """Acquire the lease, if it is not held."""
        lease = LeaseRecord(expires_at=expires_at)
        stored = (await self._store.load(LEASES, [name])).get(name)
        if stored is None:
            return await self._store.add(LEASES, name, lease, make_first_version())
        if now < stored.record.expires_at <= expires_at + CLOCK_SKEW:
            return False
        return await self._store.replace(LEASES, name, lease, stored.version)


class StoredInstances(RecordRepository[Instance, InstanceRecord]):
    """The processes of the service."""

    async def find_latest(self) -> Instance | None:
        """Return the process that renewed its record last."""
        [index] = INSTANCES.indexes
        found = await self.store.find(self.kind, index, newest_first=True, limit=1)
        return self.read(found[0]).value if found else None


def make_repositories(
    database: Database,
    encryption: PhoneEncryption,
    *,
    keeps_events: bool = True,
    observer: ChangeObserver | None = None,
) -> Repositories:
    """Return all repositories over an open database.

    Args:
        database: The database.
        encryption: Encrypts and decrypts phones.
        keeps_events: Whether events of users are recorded: not if they have no destination. Those
            that another process stored stay as they are.
        observer: Is told of changes of identities, phones and items; None where nobody is.
    """
    store = database.records
    identities = IdentityMapping(IDENTITIES, encryption, keeps_events=keeps_events)
    return Repositories(
        phone_verifications=StoredPhoneVerifications(store, encryption, observer),
        unchallenged_attempts=RecordRepository(
            store, RecordMapping(UNCHALLENGED_ATTEMPTS, UnchallengedAttempts), do_ids_return=True
        ),
        used_attestations=RecordRepository(
            store, RecordMapping(USED_ATTESTATIONS, UsedAttestation), do_ids_return=True
        ),
        limit_store=database.limits,
        identities=StoredIdentities(store, identities, observer),
        phone_assignments=StoredPhoneAssignments(
            store, PhoneAssignmentsMapping(PHONE_ASSIGNMENTS, encryption), do_ids_return=True
        ),
        media_items=StoredMediaItems(
            store,
            RecordMapping(MEDIA_ITEMS, MediaItem),
            on_change=observer.item_changed if observer else None,
        ),
        media_usages=StoredMediaUsages(
            store, RecordMapping(MEDIA_USAGES, MediaUsage), do_ids_return=True
        ),
        idempotency_keys=RecordRepository(
            store, RecordMapping(IDEMPOTENCY_KEYS, IdempotencyKey), do_ids_return=True
        ),
        calls=StoredCalls(store, CallMapping(CALLS, Call)),
        delivery_reports=RecordRepository(store, RecordMapping(DELIVERY_REPORTS, DeliveryReport)),
        audit_log=StoredAuditLog(store),
        service_tokens=StoredServiceTokens(store, RecordMapping(SERVICE_TOKENS, ServiceToken)),
        daily_costs=StoredDailyCosts(store, RecordMapping(DAILY_COSTS, DailyCosts)),
        hourly_counts=StoredHourlyCounts(store, RecordMapping(HOURLY_COUNTS, HourlyCounts)),
        console_sessions=RecordRepository(store, RecordMapping(CONSOLE_SESSIONS, ConsoleSession)),
        leases=StoredLeases(store),
        instances=StoredInstances(store, RecordMapping(INSTANCES, Instance), do_ids_return=True),
        health=database.health,
    )


def _select(item_filter: ItemFilter) -> tuple[Index, Sequence[str]]:
    """Return the index of the items of a filter, and the values of its fields."""
    state = ItemState.HIDDEN if item_filter.is_hidden else ItemState.READY
    values = {name: getattr(item_filter, name) for name in ITEM_FILTERS}
    given = {name: value for name, value in values.items() if value is not None}
    return ITEM_PAGES[tuple(given)], [state.value, *given.values()]


def _to_position(cursor: Cursor | None) -> Position | None:
    return Position(cursor.created_at, cursor.id) if cursor else None
