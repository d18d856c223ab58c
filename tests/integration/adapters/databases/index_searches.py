"""All kinds of searches in each declared index, for the tests of query plans."""

import itertools
from collections.abc import Awaitable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.databases.records.record_kind import Index, RecordKind
from adapters.databases.records.record_store import IndexPosition, RecordStore
from entrypoints.composition.features import KINDS
from tests.support.builders import NOW

INDEXES: Final = [(kind, index) for kind in KINDS for index in kind.indexes]


def values_of(index: Index) -> Sequence[str]:
    """Values that some records have in the fields that a search names."""
    return ["ready" if name == "state" else "value 1" for name in index.equal]


def searches_in(
    store: RecordStore, kind: RecordKind[Any], index: Index, records: int
) -> Iterator[Awaitable[object]]:
    """Yield searches in an index, in the order of the index and against it.

    The middle of the records is a position and a time.
    """
    middle = NOW + timedelta(minutes=records // 2)
    times: list[datetime | None] = [None, middle] if index.order else [None]
    positions = [None, IndexPosition(middle, f"{records // 2:05}")] if index.is_paged else [None]
    for newest_first, after, until in itertools.product((False, True), positions, times):
        yield store.find(
            kind,
            index,
            values_of(index),
            until=until,
            after=after,
            newest_first=newest_first,
            limit=10,
        )
