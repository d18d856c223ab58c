"""The repository of the records of one kind, written once over a `RecordStore`."""

import logging
import random
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import Index, Record
from adapters.databases.records.record_store import IndexPosition, RecordStore, StoredRecord
from application.ports.errors import CorruptRecord
from application.ports.versioned import Versioned
from domain.cursor import Cursor


class _RecordWithId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
V = TypeVar("V", bound=_RecordWithId)
R = TypeVar("R", bound=Record)

_VERSION_BITS: Final = 62
MAX_UNLISTED: Final = 20
"""More unreadable records than that are no single accident: a key is missing, for example."""
MAX_SKIPPED: Final = 10_000
"""Maximum to skip in one batch, so that other records need not wait for these."""
NOT_CLEANED_UP: Final = "record_not_cleaned_up"

_log: Final = logging.getLogger(__name__)


def make_first_version() -> int:
    """Return a random version for a record whose id may have been used before.

    A record that was loaded, expired and was deleted could otherwise replace a new one that has
    reached the same version.
    """
    return 1 + random.getrandbits(_VERSION_BITS)


class RecordRepository(Generic[V, R]):
    """The records of one kind, by id. A repository that needs no more is one of these."""

    id_field: ClassVar[str] = "record_id"
    """The field of the log that has the id of a record that cannot be read."""

    def __init__(
        self,
        store: RecordStore,
        mapping: RecordMapping[V, R],
        *,
        do_ids_return: bool = False,
    ) -> None:
        """Set the store and the mapping, and whether an id returns after its record was deleted."""
        self._do_ids_return = do_ids_return
        self._known_unreadable = set[str]()
        self.store: Final = store
        self.mapping: Final = mapping
        self.kind: Final = mapping.kind

    async def load(self, record_id: str, /) -> Versioned[V] | None:
        records = await self.store.load(self.kind, [record_id])
        if record_id not in records:
            return None
        return self.read(records[record_id])

    async def save(self, _: str, value: V, version: int, /) -> bool:
        return await (self.replace(value, version) if version else self.add(value))

    async def add(self, value: V) -> bool:
        record = self.mapping.to_record(value)
        version = make_first_version() if self._do_ids_return else 1
        return await self.store.add(self.kind, value.id, record, version)

    async def replace(self, value: V, version: int) -> bool:
        record = self.mapping.to_record(value)
        return await self.store.replace(self.kind, value.id, record, version)

    async def delete(self, record_id: str, version: int) -> bool:
        return await self.store.delete(self.kind, record_id, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return await self.store.delete_expired(self.kind, now, limit)

    async def list_until(
        self, index: Index, time: datetime | None, limit: int, offset: int = 0
    ) -> Sequence[Versioned[V]]:
        """List records that are due, for the cleanup, as `list_readable` does."""
        return await self.list_readable(
            index, NOT_CLEANED_UP, until=time, limit=limit, offset=offset, max_skipped=MAX_SKIPPED
        )

    async def list_owned_by(
        self, index: Index, owner_id: str, limit: int
    ) -> Sequence[Versioned[V]]:
        """List records of a deleted owner, those that can be read first.

        Raises:
            CorruptRecord: There are only others.
        """
        listed = await self.list_readable(
            index, NOT_CLEANED_UP, [owner_id], limit=limit, max_skipped=MAX_SKIPPED
        )
        if listed:
            return listed
        return [
            self.read(stored)
            for stored in await self.store.find(self.kind, index, [owner_id], limit=1)
        ]

    async def list_readable(
        self,
        index: Index,
        log_event: str,
        equal: Sequence[str] = (),
        *,
        until: datetime | None = None,
        after: IndexPosition | None = None,
        limit: int,
        offset: int = 0,
        max_skipped: int = MAX_UNLISTED,
    ) -> Sequence[Versioned[V]]:
        """List records of an index without those that cannot be read.

        The log has an event for each of these, once. If the store cannot read a batch because of
        one of them, a half of it is read, and so on, until it is alone.

        Raises:
            CorruptRecord: More than `max_skipped` of them cannot be read.
        """
        listed, skipped, size = dict[str, Versioned[V]](), 0, limit
        while len(listed) < limit:
            try:
                found = await self.store.find(
                    self.kind, index, equal, until=until, after=after, limit=size, offset=offset
                )
            except CorruptRecord as error:
                if size > 1:
                    size //= 2
                    continue
                skipped, offset = skipped + 1, offset + 1  # the next one may be unreadable too
                self._log_unreadable(log_event, error)
                if skipped > max_skipped:
                    raise
                continue
            for stored in found:
                try:
                    listed[stored.id] = self.read(stored)
                except CorruptRecord as error:
                    skipped += 1
                    self._log_unreadable(log_event, error, stored)
                    if skipped > max_skipped:
                        raise
            if len(found) < size:
                break
            offset, size = offset + size, min(2 * size, limit)
        return [*listed.values()][:limit]

    def _log_unreadable(
        self, event: str, error: CorruptRecord, stored: StoredRecord[R] | None = None
    ) -> None:
        fields = {"reason": str(error)}
        if stored is not None:
            fields[self.id_field] = stored.id
        key = " ".join([event, *fields.values()])
        if key not in self._known_unreadable:
            self._known_unreadable.add(key)
            _log.warning({"event": event, **fields})

    def read(self, stored: StoredRecord[R]) -> Versioned[V]:
        return Versioned(self.mapping.to_value(stored.record), stored.version)


def to_position(cursor: Cursor | None) -> IndexPosition | None:
    """Return the position in an index that a cursor names."""
    return IndexPosition(cursor.created_at, cursor.id) if cursor else None
