"""Copy all records of a database to another one, of another technology or under other keys.

- Records are read, and added with their ids and versions, by the `RecordStore` of each database.
  Nothing is decrypted, unless the keys change (`key_change`). Limits are not copied: shared
  counters begin anew.
- After a kill, the next call looks at what the target has, and adds the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from msgspec import Struct, structs

from adapters.databases.records.all_kinds import all_kinds
from adapters.databases.records.copy_marks import CopyMark, check_mark, decode_mark, encode_mark
from adapters.databases.records.database import CopyableDatabase
from adapters.databases.records.instances import check_none_alive
from adapters.databases.records.key_change import KeyChange
from adapters.databases.records.kinds import INSTANCES, LEASES, PHONE_VERIFICATIONS
from adapters.databases.records.outages import OutageRetries
from adapters.databases.records.phone_keys import ReportProgress
from adapters.databases.records.record_kind import EXPIRES_AT, RecordKind
from adapters.databases.records.record_store import StoredRecord, estimate_size
from application.ports.errors import ConfigurationError, CorruptRecord, UniqueViolation

BATCH_SIZE: Final = 200
"""Records that are written at the same time."""

_Batch = Sequence[StoredRecord[Any]]

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
    "{kind} of {source} and of {target} differ: {problem}. One of them was changed during the "
    "copy: drop {target}, stop everything that uses {source}, and copy it again."
)
_UNREADABLE: Final = "A record of {location} cannot be copied: {cause}"
_NOT_ACCEPTED: Final = "{location} does not accept a record of {kind}: {cause}."


def copied_kinds() -> Sequence[RecordKind[Any]]:
    """Return what is copied. Leases and instances are of the processes that use the source."""
    return [kind for kind in all_kinds() if kind not in (LEASES, INSTANCES)]


async def read_mark(database: CopyableDatabase) -> CopyMark | None:
    """Return the mark of a database."""
    return decode_mark(await database.mark.read(), database.location)


async def check_no_instance(now: datetime, *databases: CopyableDatabase | None) -> None:
    """Check that no instance of the service uses one of these databases. None is a new one."""
    for database in filter(None, databases):
        index = INSTANCES.find_index(EXPIRES_AT)
        latest = await database.records.find(INSTANCES, index, newest_first=True, limit=1)
        check_none_alive([stored.record for stored in latest], database.location, now)


async def check_copy(
    source: CopyableDatabase, target: CopyableDatabase | None, *, force: bool
) -> bool:
    """Check that a database may be copied. Return whether an earlier copy is continued.

    Whether an instance uses one of them is not checked.

    `target` has to be empty, or the target of an earlier call for this source; None if it is new.
    `force` copies a source that was copied before.

    Raises:
        ConfigurationError
    """
    if target is not None and source.location == target.location:
        raise ConfigurationError(_SAME.format(location=source.location))
    source_mark = await read_mark(source)
    target_mark = await read_mark(target) if target is not None else None
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
        if await target.records.scan(kind, "", 1):
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

    Return whether an earlier copy is continued. If not, it gets the new `copy_id`. The other
    arguments are those of `check_copy`.

    Raises:
        ConfigurationError: They may not be used. The marks are as they were.
    """
    is_continued = await check_copy(source, target, force=force)
    await check_no_instance(now, source, target)
    before = await read_mark(source)
    if is_continued and before is not None:
        mark = structs.replace(before, finished_at=None)
    else:
        mark = CopyMark(copy_id=copy_id, role="source", other=target.location, started_at=now)
    await source.mark.write(encode_mark(mark))
    try:
        target_mark = await read_mark(target)
        if target_mark is not None and target_mark.role == "source":
            # Two URLs of one database.
            raise ConfigurationError(_SAME.format(location=source.location))
        # An instance that opened the database before the mark has its record now.
        await check_no_instance(now, source)
    except ConfigurationError:
        await source.mark.write(encode_mark(before) if before is not None else None)
        raise
    target_mark = structs.replace(mark, role="target", other=source.location)
    await target.mark.write(encode_mark(target_mark))
    return is_continued


async def finish(source: CopyableDatabase, target: CopyableDatabase, now: datetime) -> None:
    """Mark the source as copied, and let services start with the target.

    After a kill between the two writes, the next call continues.
    """
    await check_no_instance(now, source, target)
    mark = await _check_marks(source, target)
    await source.mark.write(encode_mark(structs.replace(mark, finished_at=now)))
    await target.mark.write(None)


class Copying:
    """The copying of records, between `begin` and `finish`."""

    def __init__(
        self,
        source: CopyableDatabase,
        target: CopyableDatabase,
        report: ReportProgress,
        change: KeyChange | None = None,
    ) -> None:
        """Report what is done after each batch. `change` is None if the keys stay the same."""
        self._source = source
        self._target = target
        self._report = report
        self._change = change
        self._retry = OutageRetries()

    async def add_records(self, *, is_continued: bool) -> None:
        """Add what the target does not have yet. If continued, compare the records that it has."""
        for kind in copied_kinds():
            async for wanted_kind, batch in self._scan_wanted(kind, "copied"):
                missing = await self._find_missing(wanted_kind, batch) if is_continued else batch
                await self._add(wanted_kind, missing)

    async def compare_records(self) -> Mapping[str, int]:
        """Read both databases, and return how many records of each kind the target has."""
        counts = {}
        for kind in copied_kinds():
            count = 0
            async for wanted_kind, batch in self._scan_wanted(kind, "compared"):
                count += len(batch) if wanted_kind is kind else 0
                for missing in await self._find_missing(wanted_kind, batch):
                    raise await self._difference(wanted_kind, f"{missing.id} was not copied")
            batches = self._scan(self._target, kind, "counted")
            copied = sum([len(batch) async for batch in batches])
            # Phone verifications under other keys come with other kinds, and some come twice.
            is_counted = self._change is None or kind is not PHONE_VERIFICATIONS
            if is_counted and copied != count:
                raise await self._difference(kind, f"{count} records became {copied}")
            counts[kind.name] = copied
        return counts

    async def _scan_wanted(
        self, kind: RecordKind[Any], done_what: str
    ) -> AsyncIterator[tuple[RecordKind[Any], _Batch]]:
        async for batch in self._scan(self._source, kind, done_what):
            if self._change is None:
                yield kind, batch
                continue
            with _reading(self._source):
                async for changed in self._change.change(kind, batch):
                    yield changed

    async def _scan(
        self, database: CopyableDatabase, kind: RecordKind[Any], done_what: str
    ) -> AsyncIterator[_Batch]:
        store, done, last_id = database.records, 0, ""
        total = await self._retry(partial(estimate_size, store, kind))
        with _reading(database):
            while batch := await self._retry(partial(store.scan, kind, last_id, BATCH_SIZE)):
                yield batch
                done, last_id = done + len(batch), batch[-1].id
                self._report(f"{kind.name}: {done_what}", done, max(total, done))

    async def _find_missing(self, kind: RecordKind[Any], batch: _Batch) -> _Batch:
        """Return the records that the target does not have, and compare the others."""
        ids = [stored.id for stored in batch]
        with _reading(self._target):
            found = await self._retry(partial(self._target.records.load, kind, ids)) if ids else {}
        for stored in batch:
            copied = found.get(stored.id)
            if copied is not None and (problem := self._find_problem(copied, stored)):
                raise await self._difference(kind, f"{stored.id} {problem}")
        return [stored for stored in batch if stored.id not in found]

    def _find_problem(self, copied: StoredRecord[Any], wanted: StoredRecord[Any]) -> str | None:
        try:
            found = copied if self._change is None else self._change.decrypt(copied)
        except CorruptRecord as error:
            return f"cannot be read ({error})"
        return None if _is_same(found, wanted) else "has other fields"

    async def _add(self, kind: RecordKind[Any], batch: _Batch) -> None:
        if self._change is not None:
            batch = [self._change.encrypt(stored) for stored in batch]
        # Together: while the database is away, that is one outage.
        await self._retry(partial(self._add_together, kind, batch))

    async def _add_together(self, kind: RecordKind[Any], batch: _Batch) -> None:
        # Concurrent additions go out together. A record that is there already, because an answer
        # was lost, is compared later.
        add = self._target.records.add
        added = await asyncio.gather(
            *(add(kind, stored.id, stored.record, stored.version) for stored in batch),
            return_exceptions=True,
        )
        for error in added:
            if isinstance(error, UniqueViolation):
                location = self._target.location
                text = _NOT_ACCEPTED.format(location=location, kind=kind.name, cause=error)
                raise ConfigurationError(text)
            if isinstance(error, BaseException):
                raise error

    async def _difference(self, kind: RecordKind[Any], problem: str) -> ConfigurationError:
        source, target = self._source, self._target
        await _check_marks(source, target)
        return ConfigurationError(
            _DIFFERENT.format(
                kind=kind.name, source=source.location, target=target.location, problem=problem
            )
        )


async def count_records(
    database: CopyableDatabase, kind: RecordKind[Any], report: ReportProgress
) -> int:
    """Read all records of a kind once, and return how many there are."""
    count, last_id = 0, ""
    with _reading(database):
        while batch := await database.records.scan(kind, last_id, BATCH_SIZE):
            count, last_id = count + len(batch), batch[-1].id
            report(f"{kind.name}: counted", count, None)
    return count


@contextmanager
def _reading(database: CopyableDatabase) -> Iterator[None]:
    """Name the database in the error of a record that cannot be read."""
    try:
        yield
    except CorruptRecord as error:
        text = _UNREADABLE.format(location=database.location, cause=error)
        raise ConfigurationError(text) from None


def _is_same(first: StoredRecord[Any], second: StoredRecord[Any]) -> bool:
    return first == second or _comparable(first) == _comparable(second)


def _comparable(value: object) -> object:
    """Return a value whose times count to the millisecond, as MongoDB stores them."""
    match value:
        case datetime():
            return value - timedelta(microseconds=value.microsecond % 1000)
        case dict():
            return {name: _comparable(item) for name, item in value.items()}
        case list() | tuple():
            return [_comparable(item) for item in value]
        case Struct():
            return _comparable(structs.asdict(value))
    return value


async def _check_marks(source: CopyableDatabase, target: CopyableDatabase) -> CopyMark:
    mark = await read_mark(source)
    if mark is None or not _is_target_of(await read_mark(target), mark):
        raise ConfigurationError(_CHANGED.format(source=source.location, target=target.location))
    return mark


def _is_target_of(mark: CopyMark | None, source_mark: CopyMark) -> bool:
    return mark is not None and mark.role == "target" and mark.copy_id == source_mark.copy_id
