"""Every statement reads rows by their ids, or a range of the index that it is meant for."""

import itertools
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Never, TypeVar, cast

import pytest
import pytest_asyncio

from adapters.databases.records.call_deadlines import Answers
from adapters.databases.records.database import Database
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import EXPIRES_AT, Index, RecordKind
from adapters.databases.records.record_store import IndexPosition
from adapters.databases.sqlite.connection_worker import Operation, Parameters
from adapters.databases.sqlite.database import SqliteDatabase, Worker, open_database
from adapters.databases.sqlite.limit_store import SqliteLimitStore
from adapters.databases.sqlite.record_store import make_record_store
from application.ports.errors import StorageUnavailable
from entrypoints.composition.features import KINDS
from tests.contract.suites.storage.test_storage_errors import OPERATIONS
from tests.integration.adapters.databases.index_searches import INDEXES, values_of
from tests.support.builders import NOW

T = TypeVar("T")

# All tests share one open database: to open it takes longer than most of them.
pytestmark = pytest.mark.asyncio(loop_scope="module")
PLANS: Final = list[str]()


class ExplainingConnection:
    """A connection that records the query plan of each statement before it executes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Parameters = ()) -> sqlite3.Cursor:
        steps = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        PLANS.extend(step[-1] for step in steps)
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@dataclass(frozen=True, slots=True)
class ExplainingWorker:
    """A worker that records the query plans of its operations."""

    worker: Worker

    @property
    def answers(self) -> Answers:
        return self.worker.answers

    def has_waited(self, seconds: float) -> bool:
        return self.worker.has_waited(seconds)

    async def run(self, operation: Operation[T]) -> T:
        def execute(connection: sqlite3.Connection) -> T:
            return operation(cast("sqlite3.Connection", ExplainingConnection(connection)))

        return await self.worker.run(execute)


@pytest.fixture
def plans() -> list[str]:
    """The query plans of all statements of the test, step by step."""
    PLANS.clear()
    return PLANS


def find_nothing(*_: object) -> Never:
    """Leave all statements to the reader's thread."""
    raise StorageUnavailable


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    path: Path = tmp_path_factory.mktemp("plans") / "records.db"
    async with open_database(path, "keys") as opened:
        explained = SqliteDatabase(
            ExplainingWorker(opened.reader), ExplainingWorker(opened.writer), find_nothing
        )
        health: Any = None
        yield Database(make_record_store(explained), SqliteLimitStore(explained), health)


def reads_of(table: str, plans: list[str]) -> set[str]:
    """Return how rows of a table were read. No result was sorted after reading."""
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]
    return {plan.replace("COVERING ", "") for plan in plans if f" {table} " in f"{plan} "}


def by_id(table: str) -> str:
    return f"SEARCH {table} USING INDEX sqlite_autoindex_{table}_1 (id"


def range_of(kind: RecordKind[Any], index: Index, *last: str) -> str:
    """Return the query plan of a search in an index, with conditions after those of equality."""
    conditions = [f"{column}=?" for column in index.equal]
    if index.order in index.present and not any(condition.startswith("(") for condition in last):
        conditions.append(f"{index.order}>?")
    conditions += last
    used = f"{kind.name} USING INDEX {index.name}"
    return f"SEARCH {used} ({' AND '.join(conditions)})" if conditions else f"SCAN {used}"


async def test_a_search_is_a_range_of_its_index(database: Database, plans: list[str]) -> None:
    for (kind, index), newest_first in itertools.product(INDEXES, (False, True)):
        searches: list[tuple[list[str], dict[str, Any]]] = [([], {"offset": 20})]
        if index.order is not None:
            searches.append(([f"{index.order}<?"], {"until": NOW}))
        if index.is_paged:
            position = f"({index.order},id){'<' if newest_first else '>'}(?,?)"
            searches.append(([position], {"after": IndexPosition(NOW, "a")}))
        for conditions, options in searches:
            plans.clear()
            await database.records.find(
                kind, index, values_of(index), newest_first=newest_first, limit=10, **options
            )
            assert reads_of(kind.name, plans) == {range_of(kind, index, *conditions)}


async def test_counting_reads_a_range_of_the_index_and_for_a_page_nothing_else(
    database: Database, plans: list[str]
) -> None:
    for kind, index in INDEXES:
        plans.clear()
        await database.records.count(kind, index, values_of(index), 10_001)
        assert reads_of(kind.name, plans) == {range_of(kind, index)}
        # SQLite looks into the row for what is absent.
        if index.is_paged and not index.absent:
            assert "COVERING " in str(plans)


async def test_what_has_expired_is_a_range_of_an_index(
    database: Database, plans: list[str]
) -> None:
    for kind in [kind for kind in (*KINDS, LIMITS) if kind.expires]:
        plans.clear()

        if kind is LIMITS:
            await database.limits.delete_expired(NOW, 10)
        else:
            await database.records.delete_expired(kind, NOW, 10)

        assert reads_of(kind.name, plans) == {
            f"{by_id(kind.name)}=?)",
            range_of(kind, kind.find_index(EXPIRES_AT), f"{EXPIRES_AT}<?"),
        }


async def test_every_other_statement_reads_rows_by_their_ids(
    database: Database, plans: list[str]
) -> None:
    others = ("records.find", "records.count", "records.delete_expired", "limits.delete_expired")
    for name, operation in OPERATIONS.items():
        if not name.startswith(others):
            await operation(database)
    for kind in (*KINDS, LIMITS):
        reads = reads_of(kind.name, plans)
        assert all(read.startswith(by_id(kind.name)) for read in reads), reads
    assert plans
