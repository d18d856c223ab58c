"""The database in memory without the stored form of records, which takes half of the time.

The stores that others use keep copies of what they get, as a real database does. These keep the
records themselves: entities are frozen, and one process writes one record at a time.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from adapters.records.database import Database
from adapters.records.kinds import (
    DELIVERY_REPORTS,
    IDENTITIES,
    PHONE_VERIFICATIONS,
    UNCHALLENGED_ATTEMPTS,
)
from adapters.records.limits import (
    LimitRecord,
    acquire,
    count_used,
    find_available,
    record_ids,
    release,
)
from adapters.records.record_kind import EXPIRES_AT, Record, RecordKind
from adapters.records.record_store import StoredRecord
from adapters.records.repositories import make_repositories
from application.ports.limits import LimitStore
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation
from pytest_dialtone.examples.memory_database import InMemoryRecords, R
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import OpenRepositories, with_stores

KEPT_AS_THEY_ARE: Final = frozenset(
    kind.name for kind in (PHONE_VERIFICATIONS, IDENTITIES, UNCHALLENGED_ATTEMPTS, DELIVERY_REPORTS)
)
"""The kinds with a record for each customer or message. Nothing searches them during a month."""


async def _arrive() -> None:
    """Arrive at once: nothing else runs meanwhile."""


class QuickRecords(InMemoryRecords):
    """The records of all kinds: those that are many are found by their id only."""

    def __init__(self) -> None:
        super().__init__(_arrive)
        self.kept: dict[str, dict[str, StoredRecord[Any]]] = defaultdict(dict)

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        if kind.name not in KEPT_AS_THEY_ARE:
            return await super().load(kind, record_ids)
        kept = self.kept[kind.name]
        return {one: kept[one] for one in record_ids if one in kept}

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        if kind.name not in KEPT_AS_THEY_ARE:
            return await super().add(kind, record_id, record, version)
        kept = self.kept[kind.name]
        if record_id in kept:
            return False
        kept[record_id] = StoredRecord(record_id, record, version)
        return True

    async def replace(
        self,
        kind: RecordKind[R],
        record_id: str,
        record: R,
        version: int,
        /,
        *,
        also_written_once: bool = False,
    ) -> bool:
        if kind.name not in KEPT_AS_THEY_ARE:
            return await super().replace(
                kind, record_id, record, version, also_written_once=also_written_once
            )
        kept = self.kept[kind.name]
        stored = kept.get(record_id)
        if stored is None or stored.version != version:
            return False
        if (once := kind.written_once) and not also_written_once:
            before = getattr(stored.record, once)
            if before is not None and getattr(record, once) is not None:
                setattr(record, once, before)
        kept[record_id] = StoredRecord(record_id, record, version + 1)
        return True

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        if kind.name not in KEPT_AS_THEY_ARE:
            return await super().delete(kind, record_id, version)
        stored = self.kept[kind.name].get(record_id)
        if stored is None or stored.version != version:
            return False
        del self.kept[kind.name][record_id]
        return True

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        if kind.name not in KEPT_AS_THEY_ARE:
            return await super().delete_expired(kind, now, limit)
        kept = self.kept[kind.name]
        expired = [one for one, stored in kept.items() if _is_expired(stored.record, now)]
        for record_id in expired[:limit]:
            del kept[record_id]
        return len(expired[:limit])


class QuickLimits:
    """The permits of all limits: a `LimitStore`."""

    def __init__(self) -> None:
        self.records: dict[str, LimitRecord] = {}

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        results = []
        for reservation in reservations:
            ids = record_ids(reservation)
            records = {one: self.records[one] for one in ids if one in self.records}
            results.append(acquire(reservation, records))
            self.records.update(records)
        return results

    async def release(self, acquisition: Acquisition) -> None:
        release(acquisition, self.records)

    async def next_available(self, reservation: Reservation) -> datetime:
        return find_available(reservation, self.records)

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        return count_used(limits, self.records, now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        expired = [one for one, record in self.records.items() if record.expires_at <= now]
        for record_id in expired[:limit]:
            del self.records[record_id]
        return len(expired[:limit])


class _Healthy:
    async def check(self) -> None:
        """Return: it is always well."""


def open_quick_repositories() -> OpenRepositories:
    """Return the repositories of the core over an empty database."""
    limits: LimitStore = QuickLimits()
    database = Database(QuickRecords(), limits, _Healthy())
    return with_stores(make_repositories(database, FakePhoneEncryption()), database)


def _is_expired(record: Record, now: datetime) -> bool:
    expires_at: datetime | None = getattr(record, EXPIRES_AT, None)
    return expires_at is not None and expires_at <= now
