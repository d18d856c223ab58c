"""Every statement reads rows by their ids, or a range of the index that it is meant for."""

import itertools
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Never, TypeVar, cast

import pytest
import pytest_asyncio

from adapters.databases.records.call_deadlines import Answers
from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import ENCRYPTED_PHONE, IDENTITIES
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import EXPIRES_AT, Index, RecordKind
from adapters.databases.records.record_store import IndexPosition
from adapters.databases.sql.record_store import SqlRecordStore
from adapters.databases.sqlite.connection_worker import Operation, Parameters
from adapters.databases.sqlite.database import SqliteDatabase, Worker, open_database
from adapters.databases.sqlite.limit_store import SqliteLimitStore
from adapters.databases.sqlite.record_store import make_record_store
from application.ports.errors import StorageUnavailable
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from entrypoints.composition.features import KINDS
from tests.support.builders import NOW, an_id

T = TypeVar("T")

# All tests share one open database: to open it takes longer than most of them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


class ExplainingConnection:
    """A connection that records the query plan of each statement before it executes it."""

    def __init__(self, connection: sqlite3.Connection, plans: list[str]) -> None:
        self._connection = connection
        self._plans = plans

    def execute(self, sql: str, values: Parameters = ()) -> sqlite3.Cursor:
        steps = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        self._plans.extend(step[-1] for step in steps)
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@dataclass(frozen=True, slots=True)
class ExplainingWorker:
    """A worker that records the query plans of its operations."""

    worker: Worker
    plans: list[str]

    @property
    def answers(self) -> Answers:
        return self.worker.answers

    def has_waited(self, seconds: float) -> bool:
        return self.worker.has_waited(seconds)

    async def run(self, operation: Operation[T]) -> T:
        def execute(connection: sqlite3.Connection) -> T:
            explaining = ExplainingConnection(connection, self.plans)
            return operation(cast("sqlite3.Connection", explaining))

        return await self.worker.run(execute)


PLANS: Final = list[str]()


@pytest.fixture
def plans() -> list[str]:
    """The query plans of all statements of the test, step by step."""
    PLANS.clear()
    return PLANS


def find_nothing(*_: object) -> Never:
    """Leave all statements to the reader's thread."""
    raise StorageUnavailable


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SqliteDatabase]:
    path: Path = tmp_path_factory.mktemp("plans") / "records.db"
    async with open_database(path, "keys") as database:
        yield SqliteDatabase(
            ExplainingWorker(database.reader, PLANS),
            ExplainingWorker(database.writer, PLANS),
            find_nothing,
        )


@pytest.fixture
def store(database: SqliteDatabase) -> SqlRecordStore:
    return make_record_store(database)


def reads_of(table: str, plans: Sequence[str]) -> list[str]:
    """Return how rows of a table were read. No result was sorted after reading."""
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]
    return [plan for plan in plans if f" {table} " in f"{plan} "]


def by_id(table: str, comparison: str = "=") -> str:
    return f"SEARCH {table} USING INDEX sqlite_autoindex_{table}_1 (id{comparison}?)"


@dataclass(frozen=True, slots=True)
class Searched:
    """An index of a kind."""

    kind: RecordKind[Any]
    index: Index


INDEXES: Final = [Searched(kind, index) for kind in KINDS for index in kind.indexes]


def values_of(index: Index) -> Sequence[str]:
    return ["x"] * len(index.equal)


def range_of(searched: Searched, *last: str, is_covering: bool = False) -> str:
    """Return the query plan of a search in an index, with conditions after those of equality."""
    kind, index = searched.kind, searched.index
    conditions = [f"{column}=?" for column in index.equal]
    if index.order in index.present and not any(condition.startswith("(") for condition in last):
        conditions.append(f"{index.order}>?")
    conditions += last
    used = f"{kind.name} USING {'COVERING ' if is_covering else ''}INDEX {index.name}"
    return f"SEARCH {used} ({' AND '.join(conditions)})" if conditions else f"SCAN {used}"


async def test_a_search_is_a_range_of_its_index(store: SqlRecordStore, plans: list[str]) -> None:
    for searched, newest_first in itertools.product(INDEXES, (False, True)):
        kind, index = searched.kind, searched.index
        searches: list[tuple[list[str], dict[str, Any]]] = [([], {"offset": 20})]
        if index.order is not None:
            searches.append(([f"{index.order}<?"], {"until": NOW}))
        if index.is_paged:
            beyond = "<" if newest_first else ">"
            position = f"({index.order},id){beyond}(?,?)"
            searches.append(([position], {"after": IndexPosition(NOW, an_id())}))
        for conditions, options in searches:
            plans.clear()
            await store.find(
                kind, index, values_of(index), newest_first=newest_first, limit=10, **options
            )
            assert reads_of(kind.name, plans) == [range_of(searched, *conditions)]


async def test_counting_reads_a_range_of_the_index_and_for_a_page_nothing_else(
    store: SqlRecordStore, plans: list[str]
) -> None:
    for searched in INDEXES:
        kind, index = searched.kind, searched.index
        plans.clear()
        await store.count(kind, index, values_of(index), 10_001)
        [read] = reads_of(kind.name, plans)
        # SQLite looks into the row for what is absent.
        if index.is_paged and not index.absent:
            assert "COVERING " in read
        assert read.replace("COVERING ", "") == range_of(searched)


async def test_records_are_loaded_and_listed_by_id(store: SqlRecordStore, plans: list[str]) -> None:
    for kind in KINDS:
        plans.clear()

        await store.load(kind, ["a"])
        await store.load(kind, ["a", "b", "c"])
        await store.scan(kind, "a", 10)
        await store.delete(kind, "a", 1)

        assert reads_of(kind.name, plans) == [
            *[by_id(kind.name)] * 2,
            by_id(kind.name, ">"),
            by_id(kind.name),
        ]


async def test_records_are_written_by_id(store: SqlRecordStore, plans: list[str]) -> None:
    record = IdentityRecord(id="a", created_at=NOW, sessions=(), encrypted_phone=b"1")
    await store.add(IDENTITIES, "a", record, 1)
    await store.replace(IDENTITIES, "a", record, 1)
    await store.overwrite(IDENTITIES, "a", ENCRYPTED_PHONE, b"2", 2)

    reads = [read.replace("COVERING ", "") for read in reads_of("identities", plans)]
    assert reads == [by_id("identities")] * len(reads)


async def test_expired_records_are_a_range_of_an_index(
    store: SqlRecordStore, plans: list[str]
) -> None:
    for kind in [kind for kind in KINDS if kind.expires]:
        plans.clear()

        await store.delete_expired(kind, NOW, 10)

        expired = Searched(kind, kind.find_index(EXPIRES_AT))
        assert reads_of(kind.name, plans) == [
            by_id(kind.name),
            range_of(expired, f"{EXPIRES_AT}<?", is_covering=True),
        ]


async def test_limits_are_read_and_written_by_id(
    database: SqliteDatabase, plans: list[str]
) -> None:
    limits = SqliteLimitStore(database)
    limit = RateLimit("total", LimitPurpose.DELIVERIES, "all", SlidingWindow(2, timedelta(hours=1)))
    await limits.acquire([limit], NOW)
    await limits.next_available([limit], NOW)
    await limits.release([limit], NOW)
    assert reads_of(LIMITS.name, plans) == [by_id(LIMITS.name)] * 3
    plans.clear()

    await limits.delete_expired(NOW, 10)

    assert reads_of(LIMITS.name, plans) == [
        by_id(LIMITS.name),
        f"SEARCH {LIMITS.name} USING COVERING INDEX limits_expires_at (expires_at<?)",
    ]
