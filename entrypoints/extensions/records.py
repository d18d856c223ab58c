"""The records of one kind of an extension."""

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Final, Generic, TypeVar

from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import MAX_ID_LENGTH, Index, Record, RecordKind
from adapters.records.record_repository import RecordRepository
from adapters.records.record_store import IndexPosition, RecordStore
from application.ports.errors import ConcurrencyConflict
from application.update import MAX_RETRIES, change
from domain.errors import TooLong

R = TypeVar("R", bound=Record)
_MAX_LIMIT: Final = 2**31 - 1
"""Databases reject a greater number, and a negative one is no limit in SQLite."""


class OwnRecords(Generic[R]):
    """The records of one kind, by their field `id`: a text of up to 200 characters.

    A write is durable when its method returns, and atomic for one record. No method writes several.

    Errors of every method: `StorageUnavailable` if nothing was done, `StorageTimeout` if a write
    may have been done, `CorruptRecord` if a record cannot be read. All are `PortError`: where a
    controller lets one propagate, the client gets a 503.
    """

    def __init__(self, store: RecordStore, kind: RecordKind[R]) -> None:
        """Take the store, and the kind."""
        self._store = store
        self._kind = kind
        equal = {name for index in kind.indexes for name in index.equal}
        self._max_lengths = {"id": MAX_ID_LENGTH, **{name: kind.max_length(name) for name in equal}}
        self._records: RecordRepository[R, R] = RecordRepository(  # type: ignore[type-var]
            store, RecordMapping(kind, kind.record_type), do_ids_return=True
        )

    async def load(self, record_id: str) -> R | None:
        """Return a record, or None."""
        loaded = await self._records.load(record_id)
        return loaded.value if loaded else None

    async def load_many(self, record_ids: Collection[str]) -> Mapping[str, R]:
        """Return the records that exist, by id."""
        found = await self._store.load(self._kind, record_ids)
        return {record_id: self._records.read(stored).value for record_id, stored in found.items()}

    async def add(self, record: R) -> bool:
        """Add a record, and return False where its id exists.

        Raises:
            TooLong: Its id, or a text in an index, has more than 200 characters.
            UniqueViolation: Another record has the values of a unique index.
        """
        self._check(record)
        return await self._records.add(record)

    async def change(self, record_id: str, decide: Callable[[R | None], R | None]) -> R | None:
        """Write what `decide` makes of a record, also if others write it at the same time.

        Args:
            record_id: The id.
            decide: Gets the record, or None where there is none, and returns what is written, with
                the same id; None writes nothing. It is called again if another write was faster, so
                it does nothing else.

        Returns:
            What `decide` returned.

        Raises:
            TooLong: Its id, or a text in an index, has more than 200 characters.
            UniqueViolation: Another record has the values of a unique index.
        """

        def decide_on_copy(record: R | None) -> tuple[R | None, R | None]:
            # A change in place is seen by the comparison with the original.
            changed = decide(deepcopy(record))
            if changed is not None:
                self._check(changed)
                if changed.id != record_id:  # type: ignore[attr-defined]  # each has one
                    raise ValueError("the record has another id than the one that is changed")
            return changed, changed

        return await change(self._records, record_id, decide_on_copy)

    async def delete(self, record_id: str) -> bool:
        """Delete a record, and return whether there was one."""
        for _ in range(MAX_RETRIES):
            loaded = await self._records.load(record_id)
            if loaded is None:
                return False
            if await self._records.delete(record_id, loaded.version):
                return True
        raise ConcurrencyConflict("too many concurrent changes of one record")

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records whose `expires_at` is over, and return how many."""
        return await self._records.delete_expired(now, limit)

    async def find(
        self,
        index: Index,
        *equal: str,
        limit: int,
        until: datetime | None = None,
        after: tuple[datetime, str] | None = None,
        newest_first: bool = False,
    ) -> Sequence[R]:
        """Return records of a range of an index, in its order.

        Args:
            index: One of the kind.
            equal: The values of the fields `index.equal`, in their order.
            limit: How many at most.
            until: If given, only records whose `index.order` is then or earlier.
            after: If given, only records that come after this time and id. The index is paged.
            newest_first: Return them in the opposite order.
        """
        if limit < 1:
            return ()
        found = await self._store.find(
            self._kind,
            index,
            equal,
            until=until,
            after=IndexPosition(*after) if after else None,
            newest_first=newest_first,
            limit=min(limit, _MAX_LIMIT),
        )
        return [self._records.read(stored).value for stored in found]

    async def count(self, index: Index, *equal: str, limit: int) -> int:
        """Return how many records there are in a range of an index, at most `limit`."""
        if limit < 1:
            return 0
        return await self._store.count(self._kind, index, equal, min(limit, _MAX_LIMIT))

    async def scan(self, after_id: str, limit: int) -> Sequence[R]:
        """Return up to `limit` records whose ids come after this one, in the order of their ids."""
        if limit < 1:
            return ()
        found = await self._store.scan(self._kind, after_id, min(limit, _MAX_LIMIT))
        return [self._records.read(stored).value for stored in found]

    def _check(self, record: R) -> None:
        """Check what a database would cut off or reject."""
        fields = self._kind.to_fields(record)
        for name, limit in self._max_lengths.items():
            if len(fields.get(name, "")) > limit:
                raise TooLong(f"At most {limit} characters are possible.")
