"""Copy all records of a database to another one, which may be of another technology.

- Records are copied as they are: ids, versions, ciphertexts, and fields that this program does not
  know. Nothing is decrypted.
- They are written in the order of their ids. So after a kill the highest id of each kind says where
  to go on.
- At the end both databases are read again, and compared.
- A mark in each database keeps a service from it: in the source from the beginning on, in the
  target until the end.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from msgspec.structs import replace

from adapters.records.all_kinds import stored_kinds
from adapters.records.copy_marks import CopyMark, check_mark, encode_mark
from adapters.records.instances import check_none_alive
from adapters.records.kinds import INSTANCES, LEASES
from adapters.records.raw_records import ID_FIELD, RawRecord, encode_value, reading
from adapters.records.record_kind import RecordKind
from application.ports.errors import ConfigurationError

T = TypeVar("T")
U = TypeVar("U")

BATCH_SIZE: Final = 500

_CHANGED: Final = (
    "The marks of {source} and {target} were changed during the copy: by another `dialtone copy`, "
    "which may have finished it, or by `dialtone run --force`. Start one copy, and nothing else."
)
_IS_SOURCE: Final = (
    "{location} was copied to {other}, or this copy is not finished: name an empty database."
)
_OTHER_TARGET: Final = (
    "{location} is the target of another copy that is not finished, of {other}: drop it, or name "
    "an empty database."
)
_NOT_EMPTY: Final = "{location} is not empty, it has records of {kind}: name an empty database."
_SAME: Final = "{location} is both source and target: name another database with --to."
_WAS_COPIED: Final = (
    "{location} was copied to {other} at {time:%Y-%m-%dT%H:%M:%SZ}. To copy it again, use --force."
)
_DIFFERENT: Final = (
    "{kind} of {source} and of {target} differ: {source_count} records with checksum {source_sum}, "
    "and {target_count} with {target_sum}. One of them was changed during the copy: drop "
    "{target}, stop everything that uses {source}, and copy it again."
)


def copied_kinds() -> Sequence[RecordKind[Any]]:
    """Return what is copied. Leases and instances are of the processes that use the source."""
    return [kind for kind in stored_kinds() if kind not in (LEASES, INSTANCES)]


class CopyableDatabase(Protocol):
    """A database as a copy sees it. Its errors are `ConfigurationError` or `StorageError`.

    Attributes:
        location: Where it is, without secrets.
    """

    location: str

    async def read_mark(self) -> CopyMark | None:
        """Return its mark."""
        ...

    async def write_mark(self, mark: CopyMark | None, /) -> None:
        """Replace its mark, or remove it. It is durable."""
        ...

    async def list_unknown(self) -> Sequence[str]:
        """Return the names of its tables or collections that this program does not know."""
        ...

    async def has_undeclared(self, name: str, /) -> bool:
        """Return whether a table of no kind of this program has records of ours."""
        ...

    async def count(self, kind: RecordKind[Any], /) -> int:
        """Return about how many records there are, exact where that is fast."""
        ...

    async def find_last_id(self, kind: RecordKind[Any], /) -> str:
        """Return the highest id, or an empty text."""
        ...

    async def scan(
        self, kind: RecordKind[Any], after_id: str, limit: int, /
    ) -> Sequence[RawRecord]:
        """Return records after an id, in the order of their ids."""
        ...

    async def add(self, kind: RecordKind[Any], records: Sequence[RawRecord], /) -> None:
        """Add records in this order. It is durable."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How many records of a kind are done, of about how many."""

    kind: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The records of a kind, which are the same in both databases."""

    kind: str
    count: int
    checksum: str


async def check_copy(
    source: CopyableDatabase, target: CopyableDatabase | None, *, force: bool
) -> bool:
    """Check that a database may be copied to another one; nothing is changed.

    Whether an instance uses one of them is not checked.

    Args:
        source: The database to copy.
        target: Has to be empty, or the target of an earlier call for this source; None if it is
            new.
        force: Copy a source that was copied before.

    Returns:
        Whether an earlier copy is continued.

    Raises:
        ConfigurationError
        StorageError
    """
    if target is not None and source.location == target.location:
        raise ConfigurationError(_SAME.format(location=source.location))
    source_mark = await source.read_mark()
    target_mark = await target.read_mark() if target is not None else None
    if source_mark is not None and source_mark.role == "target":
        check_mark(encode_mark(source_mark), source.location)
    is_continued = source_mark is not None and _is_target_of(target_mark, source_mark)
    if source_mark is not None and source_mark.finished_at and not (is_continued or force):
        raise ConfigurationError(
            _WAS_COPIED.format(
                location=source.location, other=source_mark.other, time=source_mark.finished_at
            )
        )
    if target is None or is_continued:
        return is_continued
    if target_mark is not None:
        text = _OTHER_TARGET if target_mark.role == "target" else _IS_SOURCE
        raise ConfigurationError(text.format(location=target.location, other=target_mark.other))
    for kind in copied_kinds():
        if await target.find_last_id(kind):
            raise ConfigurationError(_NOT_EMPTY.format(location=target.location, kind=kind.name))
    return False


async def begin(
    source: CopyableDatabase,
    target: CopyableDatabase,
    now: datetime,
    copy_id: str,
    *,
    force: bool = False,
) -> bool:
    """Mark both databases, so that no service starts with one of them.

    Args:
        source: The database to copy.
        target: Has to be empty, or the target of an earlier call for this source.
        now: The time.
        copy_id: A new id, for a copy that is not continued.
        force: Copy a source that was copied before.

    Returns:
        Whether an earlier copy is continued.

    Raises:
        ConfigurationError: They may not be used. The marks are as they were.
        StorageError
    """
    is_continued = await check_copy(source, target, force=force)
    await check_no_instance(now, source, target)
    before = await source.read_mark()
    if is_continued and before is not None:
        mark = replace(before, finished_at=None)
    else:
        mark = CopyMark(copy_id=copy_id, role="source", other=target.location, started_at=now)
    await source.write_mark(mark)
    try:
        target_mark = await target.read_mark()
        if target_mark is not None and target_mark.role == "source":
            # Two URLs of one database.
            raise ConfigurationError(_SAME.format(location=source.location))
        # One that was opened before the mark was there has its record now.
        await check_no_instance(now, source)
    except ConfigurationError:
        await source.write_mark(before)
        raise
    await target.write_mark(replace(mark, role="target", other=source.location))
    return is_continued


async def copy_records(
    source: CopyableDatabase, target: CopyableDatabase
) -> AsyncGenerator[Progress, None]:
    """Copy what the target does not have yet, and yield after each batch.

    Raises:
        ConfigurationError: A record cannot be read.
        StorageError
    """
    for kind in copied_kinds():
        total, done = await source.count(kind), await target.count(kind)
        batch = await source.scan(kind, await target.find_last_id(kind), BATCH_SIZE)
        while batch:
            following, _ = await _run_both(
                source.scan(kind, batch[-1].id, BATCH_SIZE), target.add(kind, batch)
            )
            done += len(batch)
            batch = following
            yield Progress(kind.name, done, max(done, total))


async def compare_records(
    source: CopyableDatabase, target: CopyableDatabase
) -> AsyncGenerator[Progress | Compared, None]:
    """Read both databases, and yield progress, and each kind whose records are the same.

    Raises:
        ConfigurationError: They differ.
        StorageError
    """
    for kind in copied_kinds():
        total = await source.count(kind)
        sums = _Checksum(source), _Checksum(target)
        while any(await _run_both(*(checksum.read_batch(kind) for checksum in sums))):
            yield Progress(kind.name, sums[0].count, max(sums[0].count, total))
        copied = [Compared(kind.name, checksum.count, checksum.hexdigest()) for checksum in sums]
        if copied[0] != copied[1]:
            await _check_marks(source, target)
            raise ConfigurationError(
                _DIFFERENT.format(
                    kind=kind.name,
                    source=source.location,
                    source_count=copied[0].count,
                    source_sum=copied[0].checksum,
                    target=target.location,
                    target_count=copied[1].count,
                    target_sum=copied[1].checksum,
                )
            )
        yield copied[0]


async def finish(source: CopyableDatabase, target: CopyableDatabase, now: datetime) -> None:
    """Mark the source as copied, and let services start with the target.

    After a kill between the two writes, the next call continues.

    Raises:
        ConfigurationError: An instance or another copy began to use the databases meanwhile.
        StorageError
    """
    await check_no_instance(now, source, target)
    mark = await _check_marks(source, target)
    await source.write_mark(replace(mark, finished_at=now))
    await target.write_mark(None)


async def check_no_instance(now: datetime, *databases: CopyableDatabase | None) -> None:
    """Check that no instance of the service uses one of these databases. None is a new one.

    Raises:
        ConfigurationError: One does.
        StorageError
        CorruptRecord
    """
    for database in filter(None, databases):
        last_id = ""
        while records := await database.scan(INSTANCES, last_id, BATCH_SIZE):
            fields = [{ID_FIELD: record.id, **record.fields} for record in records]
            check_none_alive(map(INSTANCES.convert, fields), database.location, now)
            last_id = records[-1].id


class _Checksum:
    """The checksum of the records of a kind, in the order of their ids."""

    def __init__(self, database: CopyableDatabase) -> None:
        self.count = 0
        self._database = database
        self._digest = hashlib.sha256()
        self._last_id = ""

    async def read_batch(self, kind: RecordKind[Any]) -> bool:
        """Add some records, and return whether there were any."""
        records = await self._database.scan(kind, self._last_id, BATCH_SIZE)
        for record in records:
            self._digest.update(_encode_value(kind, record, self._database.location))
        if records:
            self.count += len(records)
            self._last_id = records[-1].id
        return bool(records)

    def hexdigest(self) -> str:
        """Return it in hex."""
        return self._digest.hexdigest()


def _encode_value(kind: RecordKind[Any], record: RawRecord, location: str) -> bytes:
    with reading(kind, location):
        return encode_value([record.id, record.version, record.fields]) + b"\n"


async def _check_marks(source: CopyableDatabase, target: CopyableDatabase) -> CopyMark:
    """Return the mark of the source, after a check that the target is of the same copy."""
    mark = await source.read_mark()
    if mark is None or not _is_target_of(await target.read_mark(), mark):
        raise ConfigurationError(_CHANGED.format(source=source.location, target=target.location))
    return mark


def _is_target_of(mark: CopyMark | None, source_mark: CopyMark) -> bool:
    return mark is not None and mark.role == "target" and mark.copy_id == source_mark.copy_id


async def _run_both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """Run both, and return when both have ended."""
    first_result, second_result = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(first_result, BaseException):
        raise first_result
    if isinstance(second_result, BaseException):
        raise second_result
    return first_result, second_result
