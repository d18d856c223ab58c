"""Each query reads one range of the index that it is meant for, and sorts nothing afterwards."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
import pytest_asyncio

from adapters.databases.records.record_kind import EXPIRES_AT, Index, RecordKind
from adapters.databases.records.record_store import IndexPosition, RecordStore
from entrypoints.composition.features import KINDS
from tests.contract.suites.storage.test_storage_errors import OPERATIONS
from tests.integration.adapters.databases.mongo.explained_mongo import explain_mongo
from tests.integration.adapters.databases.query_plans import ALL_KINDS, ID, Explained
from tests.integration.adapters.databases.sqlite.explained_sqlite import explain_sqlite
from tests.support.builders import NOW

INDEXES: Final = [(kind, index) for kind in KINDS for index in kind.indexes]
MIDDLE: Final = NOW + timedelta(minutes=150)
"""The time of the middle one of the records."""

# All tests share one open database: to open it takes longer than most of them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[
        explain_sqlite,
        pytest.param(explain_mongo, marks=pytest.mark.slow),
    ],
)
async def explained(request: pytest.FixtureRequest) -> AsyncIterator[Explained]:
    async with request.param(request) as opened:
        yield opened


def values_of(index: Index) -> Sequence[str]:
    """Values that some records have in the fields that a search names."""
    return ["ready" if name == "state" else "value 1" for name in index.equal]


def searches_in(
    store: RecordStore, kind: RecordKind[Any], index: Index
) -> Iterator[Awaitable[object]]:
    """Yield searches in an index, in the order of the index and against it."""
    times: list[datetime | None] = [None, MIDDLE] if index.order else [None]
    positions = [None, IndexPosition(MIDDLE, "00150")] if index.is_paged else [None]
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


async def test_each_search_and_count_is_one_range_of_its_index(explained: Explained) -> None:
    store = explained.database.records
    for kind, index in INDEXES:
        for call in searches_in(store, kind, index):
            assert await explained.plans_of(call) == [{index.name}]
        count = store.count(kind, index, values_of(index), 100)
        assert await explained.plans_of(count) == [{index.name}]


async def test_what_has_expired_is_found_by_its_index(explained: Explained) -> None:
    database = explained.database
    for kind in [kind for kind in ALL_KINDS if kind.expires]:
        plans = await explained.plans_of(
            database.limits.delete_expired(MIDDLE, 10)
            if kind.name == "limits"
            else database.records.delete_expired(kind, MIDDLE, 10)
        )
        read = {index for plan in plans for index in plan}
        assert read - {ID} == {kind.find_index(EXPIRES_AT).name}


async def test_every_other_statement_reads_rows_by_their_ids(explained: Explained) -> None:
    others = ("records.find", "records.count", "records.delete_expired", "limits.delete_expired")
    for name, operation in OPERATIONS.items():
        if not name.startswith(others):
            plans = await explained.plans_of(operation(explained.database))
            assert {index for plan in plans for index in plan} <= {ID}, name
