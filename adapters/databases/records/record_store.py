"""The port of records: what a database implements, besides `LimitStore`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from adapters.databases.records.record_kind import Index, Record, RecordKind
from application.ports.errors import CorruptRecord

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)


class StoredRecord(msgspec.Struct, Generic[R_co], frozen=True):
    """A record as it is stored, with its id and version. It is not to be changed."""

    id: str
    record: R_co
    version: int


def decode_row(kind: RecordKind[R], row_id: str, version: object, body: object) -> StoredRecord[R]:
    """Return the record of a row, whose body is JSON."""
    if not isinstance(version, int) or not isinstance(body, str | bytes | msgspec.Raw):
        raise kind.unreadable().of_record(row_id)
    try:
        record = kind.decode(body)
    except CorruptRecord as error:
        raise error.of_record(row_id) from None
    if getattr(record, "id", row_id) != row_id:
        raise kind.unreadable().of_record(row_id)
    return StoredRecord(row_id, record, version)


@dataclass(frozen=True, slots=True)
class IndexPosition:
    """The position directly after a record in an index, whether that still exists or not."""

    time: datetime
    id: str


class RecordStore(Protocol):
    """Records of all kinds (`adapters/databases/records/kinds.py`), by id and by declared indexes.

    Consistency:

    - A write of one record is atomic, and durable when the method returns: it is there after a
      crash, and after a failover. No method writes several records as one. Writes that arrive
      together may go out together (`BatchQueue`): each has the result that it would have alone.
    - A read returns what was stored when it was called, or later: never less than the caller, or a
      client that informed it, has written before. The result may be outdated a moment later.
    - A record is complete: `id`, `version` and all its fields are of one write.

    Ids, times and versions:

    - A record that has a field `id` is stored under that id, and read with it.
    - An id is any text of 1 to `MAX_ID_LENGTH` characters, and a text in an index any one of up to
      `RecordKind.max_length`. All values of one index have up to `MAX_INDEX_BYTES` in UTF-8.
    - Ids are equal or in order as their code points are, without regard to a language. A text that
      UTF-8 cannot encode is an id that no record has.
    - Times are exact to the millisecond, and in UTC.
    - The largest record has some 600 KB of JSON: a day of statistics with `MAX_GROUPS` groups.
    - `add` stores the version that it is given, a positive number of up to 63 bits. `replace`
      and `overwrite` raise it by one. Nothing else changes it. A record whose id may come
      back after its deletion begins at a random version, so no version is ever used again.

    No method gets an empty batch: `load` has at least one id, and those of `BatchReplacements` and
    `BatchWrites` at least one write.

    Unknown fields: a record may have fields that this program does not know, because a newer one
    has written it. `replace` and `overwrite` leave them.

    Time limits, in seconds: each call ends within 15, and a call of a request not later than
    `CurrentRequest.storage_deadline` says, half a second more at most.

    Outages: a write whose result is unknown is not repeated, whether it was not answered or its
    connection was lost. When the database works again, so does the store, within 30 seconds.

    Errors of every method: `StorageUnavailable` if nothing was done, `StorageTimeout` if a write
    may have been done, `CorruptRecord` if a record cannot be read, `OperationRejected` if the
    database rejects a value or cannot use a record, and nothing was done. Others are named. After
    the store was closed, it is `StorageUnavailable`. A store that limits how many calls are made at
    the same time raises `StorageOverloaded` if one had no turn, and others are answered.
    """

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        """Return the records that exist, by id.

        Calls that arrive together may go out together (`BatchLoader`): each authenticated request
        loads one record. A damaged record fails those calls only that want it.
        """
        ...

    async def scan(
        self, kind: RecordKind[R], after_id: str, limit: int, /, *, offset: int = 0
    ) -> Sequence[StoredRecord[R]]:
        """Return up to `limit` records whose ids come after this one, in the order of their ids.

        `after_id` is any id, of a record or not. The first `offset` records are skipped; they
        may be damaged.
        """
        ...

    async def find(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str] = (),
        /,
        *,
        until: datetime | None = None,
        after: IndexPosition | None = None,
        newest_first: bool = False,
        limit: int,
        offset: int = 0,
    ) -> Sequence[StoredRecord[R]]:
        """Return records of a range of an index, in its order. The database reads no others.

        - `equal`: The values of the fields `index.equal`, in their order. A value that is longer
          than its field finds nothing: people search for any text.
        - `until`: If given, only records whose `index.order` is then or earlier.
        - `after`: If given, only records that come after this position. The index is paged.
        - `newest_first`: Return them in the opposite order: by time and, if the index is paged, by
          id.
        - `limit`: How many at most; positive.
        - `offset`: How many of the first ones to skip. They cost time.
        """
        ...

    async def count(
        self,
        kind: RecordKind[R],
        index: Index,
        equal: Sequence[str],
        limit: int,
        /,
        *,
        may_estimate: bool = False,
    ) -> int:
        """Return how many records there are in a range of an index, at most `limit`.

        - `equal`: The values of the fields `index.equal`.
        - `limit`: At how many to stop. The cost does not depend on how many more there are.
        - `may_estimate`: Nearly all records of the kind are in the range, so `limit` may be
          returned without counting where the kind has about twice as many, or more.
        """
        ...

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        """Add a record at this version, unless its id is taken; return whether it was added.

        Raises:
            UniqueViolation: Another record has the values of a unique index. If the id is taken
                as well, the result is False instead.
        """
        ...

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
        """Replace the known fields of a record if it has this version; return whether it had.

        - Fields that are None are removed.
        - The field `kind.written_once` keeps its stored value, unless it is None now. It is
          compared on the database, not by a read before: safe encryptions per key are limited
          (NIST SP 800-38D, 8.3).

        - `also_written_once`: Replace the field `kind.written_once` as well: an identity gets
          another phone. It is passed only where it is true.

        Raises:
            UniqueViolation: Another record has the values of a unique index; nothing was written.
        """
        ...

    async def delete(self, kind: RecordKind[R], record_id: str, version: int, /) -> bool:
        """Delete a record if it has this version; return whether it had."""
        ...

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        """Delete up to `limit` records whose `expires_at` is now or earlier, and return how many.

        One whose `expires_at` was moved meanwhile stays. The database's own clock decides nothing.
        """
        ...

    async def overwrite(
        self, kind: RecordKind[R], record_id: str, field: str, value: bytes, version: int, /
    ) -> bool:
        """Replace one field of a record if it has this version, also one that is written once.

        It is one statement because the re-encryption of phones runs beside the service, and
        touches nothing else of a record that a newer program may have written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Overwrite:
    """A new value for a field of a record, if the record has this version: see `overwrite`."""

    id: str
    value: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Replacement(Generic[R_co]):
    """The known fields of a record are replaced, if it has this version: see `replace`."""

    id: str
    record: R_co
    version: int


@runtime_checkable
class BatchReplacements(Protocol):
    """Optional method of a `RecordStore` that makes the cleanup fast."""

    async def replace_all(
        self, kind: RecordKind[R], replacements: Sequence[Replacement[R]], /
    ) -> int:
        """Replace up to some hundred records, each as `replace` does; return how many.

        The kind has no unique index.
        """
        ...


async def replace_all(
    store: RecordStore, kind: RecordKind[R], replacements: Sequence[Replacement[R]]
) -> int:
    """Replace records, together if the store can do that; return how many had their version."""
    if not replacements:
        return 0
    if isinstance(store, BatchReplacements):
        return await store.replace_all(kind, replacements)
    replaced = 0
    for replacement in replacements:
        replaced += await store.replace(
            kind, replacement.id, replacement.record, replacement.version
        )
    return replaced


@runtime_checkable
class SizeEstimates(Protocol):
    """Optional method of a `RecordStore` that avoids counting millions of records."""

    async def estimate_size(self, kind: RecordKind[Any], /) -> int:
        """Return about how many records of a kind there are, within seconds; 0 if unknown."""
        ...


async def estimate_size(store: RecordStore, kind: RecordKind[Any]) -> int:
    """Return about how many records of a kind there are; 0 if the store cannot tell."""
    return await store.estimate_size(kind) if isinstance(store, SizeEstimates) else 0


@runtime_checkable
class BatchWrites(SizeEstimates, Protocol):
    """Optional methods of a `RecordStore` that make jobs on millions of records fast."""

    async def overwrite_all(
        self, kind: RecordKind[R], field: str, changes: Sequence[Overwrite], /
    ) -> None:
        """Overwrite a field of up to some hundred records, each as `overwrite` does."""
        ...
