"""A SQLite database that explains its statements before it executes them."""

import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Never, TypeVar, cast

import pytest

from adapters.databases.records.call_deadlines import Answers
from adapters.databases.records.database import Database
from adapters.databases.sqlite.connection_worker import Operation, Parameters
from adapters.databases.sqlite.database import SqliteDatabase, Worker, open_database
from adapters.databases.sqlite.limit_store import SqliteLimitStore
from adapters.databases.sqlite.record_store import make_record_store
from application.ports.errors import StorageUnavailable
from tests.integration.adapters.databases.query_plans import ALL_KINDS, ID, Explained

T = TypeVar("T")

_READ: Final = re.compile(
    rf"(SCAN|SEARCH) (?:{'|'.join(kind.name for kind in ALL_KINDS)})\b"
    r"(?: USING (?:COVERING )?INDEX (\w+))?"
)


def indexes_in(sql: str, steps: list[str]) -> set[str]:
    assert not [step for step in steps if "TEMP B-TREE" in step], steps
    indexes = set[str]()
    for step in steps:
        if read := _READ.match(step):
            how, index = read.groups()
            # A whole index is read only if no value limits what is read.
            assert index, step
            assert how == "SEARCH" or "?" not in re.split(" ORDER BY | LIMIT ", sql)[0], step
            indexes.add(ID if index.startswith("sqlite_autoindex_") else index)
    return indexes


@dataclass(frozen=True, slots=True)
class ExplainingConnection:
    connection: sqlite3.Connection
    plans: list[set[str]]

    def execute(self, sql: str, values: Parameters = ()) -> sqlite3.Cursor:
        steps = self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        self.plans.append(indexes_in(sql, [step[-1] for step in steps]))
        return self.connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@dataclass(frozen=True, slots=True)
class ExplainingWorker:
    worker: Worker
    plans: list[set[str]]

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


@dataclass(frozen=True, slots=True)
class ExplainedSqlite:
    database: Database
    plans: list[set[str]]

    async def plans_of(self, call: Awaitable[object]) -> list[set[str]]:
        self.plans.clear()
        await call
        return [plan for plan in self.plans if plan]


def find_nothing(*_: object) -> Never:
    """Leave all statements to the reader's thread."""
    raise StorageUnavailable


@asynccontextmanager
async def explain_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Explained]:
    folder = request.getfixturevalue("tmp_path_factory").mktemp("plans")
    plans, health = list[set[str]](), cast("Any", None)
    async with open_database(folder / "records.db", "keys") as opened:
        database = SqliteDatabase(
            ExplainingWorker(opened.reader, plans),
            ExplainingWorker(opened.writer, plans),
            find_nothing,
        )
        stores = Database(make_record_store(database), SqliteLimitStore(database), health)
        yield ExplainedSqlite(stores, plans)
