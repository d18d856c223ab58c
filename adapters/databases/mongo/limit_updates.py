"""The updates of limits: increments that do not conflict, or a compare-and-swap near a limit.

The filter of an upsert finds a document only if the update is allowed. Where it finds none, the
upsert inserts, and the existing `_id` rejects that: the error names the update.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from pymongo import UpdateOne

from adapters.databases.records.limit_batches import Change
from adapters.databases.records.limits import (
    LIMITS,
    MAX_COUNTERS,
    LimitRecord,
    WindowRecord,
    counter_key,
)
from adapters.databases.records.record_repository import make_first_version
from adapters.databases.records.record_store import StoredRecord

_KNOWN: Final = {"schema_version": {"$lte": LIMITS.schema_version}}
_STEP_BITS: Final = 24
"""Versions grow by random steps: one that begins anew hardly ever reaches one that was read."""


class _CounterId(NamedTuple):
    record_id: str
    window: str
    counter: str


def release_permits(changes: Iterable[Change]) -> Sequence[tuple[str, UpdateOne]]:
    """Return the updates that take permits out of the counters, as far as they are still there.

    They read nothing before: what expired may be gone, and is skipped.
    """
    released: Counter[_CounterId] = Counter()
    for change in changes:
        for limit in change.limits:
            key = counter_key(limit, change.acquired_at)
            released[_CounterId(limit.record_id, limit.name, key)] += 1
    return [
        (counter_id.record_id, _release(counter_id, count))
        for counter_id, count in released.items()
    ]


def add_permits(
    record_id: str, added: LimitRecord, sizes: Mapping[tuple[str, str], int]
) -> UpdateOne:
    """Return the upsert that adds permits to a record, if each of the windows has room for them.

    What the record has is not known: no counter is removed by it.
    """
    query: dict[str, Any] = {"_id": record_id, **_KNOWN}
    increments = {"version": 1 + random.getrandbits(_STEP_BITS)}
    for name, window in added.windows.items():
        path, room = f"windows.{name}", sizes[record_id, name] - window.total
        # It finds a window that does not exist, too.
        query[f"{path}.total"] = {"$not": {"$gt": room}}
        increments[f"{path}.total"] = window.total
        for counter, count in window.counters.items():
            increments[f"{path}.counters.{counter}"] = count
    kept = {"expires_at": added.expires_at, "schema_version": LIMITS.schema_version}
    return UpdateOne(query, {"$inc": increments, "$max": kept}, upsert=True)


def save_limit(
    record_id: str,
    stored: StoredRecord[LimitRecord] | None,
    changed: LimitRecord,
    sizes: Mapping[tuple[str, str], int],
) -> UpdateOne:
    """Return the upsert that saves a record with new permits."""
    if stored is None:
        return _insert(record_id, changed)
    windows = {
        name: window
        for name, window in changed.windows.items()
        if window != stored.record.windows.get(name)
    }
    added: dict[str, WindowRecord] = {}
    for name, window in windows.items():
        before = stored.record.windows.get(name, WindowRecord())
        counters = _added_permits(before, window)
        total = sum(counters.values())
        if not counters or before.total > sizes.get((record_id, name), 0) - total:
            return _swap(record_id, stored.version, changed, windows)
        added[name] = WindowRecord(counters, total)
    return add_permits(record_id, msgspec.structs.replace(changed, windows=added), sizes)


def _added_permits(before: WindowRecord, after: WindowRecord) -> dict[str, int]:
    added = {
        key: after.counters.get(key, 0) - before.counters.get(key, 0)
        for key in before.counters.keys() | after.counters.keys()
    }
    is_only_added = before.counters.keys() <= after.counters.keys() and min(added.values()) >= 0
    is_sum = sum(added.values()) == after.total - before.total
    is_short = len(after.counters) <= MAX_COUNTERS
    if not (is_only_added and is_sum and is_short):
        return {}
    return {key: count for key, count in added.items() if count}


def _insert(record_id: str, record: LimitRecord) -> UpdateOne:
    # No document has this version, and an insertion begins with it. A random one is never used
    # again after a deletion.
    fields = LIMITS.to_fields(record, [datetime])
    changes = {"$set": fields, "$inc": {"version": make_first_version()}}
    return UpdateOne({"_id": record_id, "version": 0}, changes, upsert=True)


def _swap(
    record_id: str, version: int, record: LimitRecord, windows: Mapping[str, WindowRecord]
) -> UpdateOne:
    """Return the compare-and-swap of windows from which counters were removed, or may be full."""
    fields = {f"windows.{name}": msgspec.to_builtins(one) for name, one in windows.items()}
    fields |= {"expires_at": record.expires_at, "schema_version": LIMITS.schema_version}
    query = {"_id": record_id, "version": version}
    return UpdateOne(query, {"$set": fields, "$inc": {"version": 1}}, upsert=True)


def _release(counter_id: _CounterId, count: int) -> UpdateOne:
    window = f"windows.{counter_id.window}"
    counter = f"{window}.counters.{counter_id.counter}"
    query = {"_id": counter_id.record_id, **_KNOWN, counter: {"$gte": count}}
    changes = {counter: -count, f"{window}.total": -count, "version": 1}
    return UpdateOne(query, {"$inc": changes})
