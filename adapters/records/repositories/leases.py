"""The repository of leases."""

from datetime import datetime

from adapters.records.kinds import LEASES
from adapters.records.leases import LeaseRecord
from adapters.records.record_repository import make_first_version
from adapters.records.record_store import RecordStore
from domain.otp.sliding_window import CLOCK_SKEW


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
