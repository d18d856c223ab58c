"""Workers: what waits is executed together, and a failure is that of one operation."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapters.databases.sqlite import connection_worker
from adapters.databases.sqlite.connection_worker import (
    ConnectionWorker,
    Failed,
    Operation,
    commit_batch,
    open_connection_worker,
)
from application.ports.errors import (
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)
from tests.support.builders import an_id, an_identity
from tests.support.repositories import open_sqlite_repositories

PAGE = 4096


def execute_each(
    connection: sqlite3.Connection, operations: Sequence[Operation[Any]]
) -> Sequence[object]:
    return [operation(connection) for operation in operations]


class Gate:
    """An operation that keeps its worker busy until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._opened = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, connection: sqlite3.Connection) -> str:
        self._loop.call_soon_threadsafe(self.reached.set)
        assert self._opened.wait(timeout=60)
        return "gate"

    def open(self) -> None:
        self._opened.set()

    async def block(self, worker: ConnectionWorker) -> asyncio.Future[str]:
        """Become the operation that the worker executes."""
        task = worker.run(self)
        await self.reached.wait()
        return task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words.db"


def open_worker(path: Path) -> AbstractAsyncContextManager[ConnectionWorker]:
    return open_connection_worker("test", partial(connect_to, path), execute_each)


def connect_to(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)


async def test_a_full_queue_rejects_at_once_and_keeps_what_waits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_worker, "MAX_WAITING_OPERATIONS", 3)
    async with open_worker(path) as worker:
        gate = Gate()
        await gate.block(worker)
        tasks = [worker.run(str) for _ in "ab"]
        await asyncio.sleep(0)  # until each waits for its result

        with pytest.raises(StorageUnavailable, match="too many"):
            await worker.run(str)

        gate.open()
        assert all(await asyncio.gather(*tasks))
        assert await worker.run(str)


async def test_after_an_unexpected_error_of_a_batch_its_callers_fail_at_once_and_the_next_goes_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        raise MemoryError

    async with open_worker(path) as worker:
        with pytest.raises(StorageTimeout, match="an unexpected error: MemoryError"):
            await worker.run(fail)
        assert await worker.run(lambda connection: connection.in_transaction) is False

    [line] = caplog.records
    assert line.msg == {"event": "database_batch_failed", "kind": "transaction", "size": 1}


async def test_an_operation_times_out_when_the_disk_hangs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_worker, "OPERATION_TIMEOUT", 0.01)
    executed: list[str] = []
    async with open_worker(path) as worker:
        gate = Gate()
        hanging = await gate.block(worker)
        with pytest.raises(StorageTimeout, match=r"no response within 0\.01 seconds"):
            await hanging
        with pytest.raises(StorageTimeout, match=r"no response within 0\.01 seconds"):
            await worker.run(lambda connection: executed.append("too late"))

        gate.open()

    assert executed == []


SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE words (word TEXT PRIMARY KEY, meaning TEXT
    REFERENCES words DEFERRABLE INITIALLY DEFERRED);
"""


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect_to(path)
    connection.executescript(SCHEMA)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()


def adding(word: str, meaning: str | None = None) -> Operation[int]:
    return lambda connection: (
        connection.execute("INSERT INTO words VALUES (?, ?)", (word, meaning)).rowcount
    )


def words_in(path: Path) -> set[str]:
    with closing(connect_to(path)) as reader:
        return {row[0] for row in reader.execute("SELECT word FROM words")}


def errors_of(results: Sequence[object]) -> list[Exception | None]:
    return [result.error if isinstance(result, Failed) else None for result in results]


def test_a_failed_operation_has_no_effect_and_the_others_are_committed(
    connection: sqlite3.Connection, path: Path
) -> None:
    def failing(connection: sqlite3.Connection) -> None:
        adding("b")(connection)
        raise LookupError("its own")

    operations: list[Operation[Any]] = [adding("a"), adding("a"), failing, adding("c")]

    first, second, third, fourth = errors_of(commit_batch(connection, operations))

    assert (first, fourth) == (None, None)
    assert isinstance(second, UniqueViolation)
    assert isinstance(third, LookupError)
    assert words_in(path) == {"a", "c"}


def rolling_back(word: str) -> Operation[int]:
    """An operation whose error ends the transaction of all, as one of the disk does."""
    sql = "INSERT OR ROLLBACK INTO words VALUES (?, NULL)"
    return lambda connection: connection.execute(sql, (word,)).rowcount


def test_an_operation_that_ends_the_transaction_fails_alone(
    connection: sqlite3.Connection, path: Path
) -> None:
    commit_batch(connection, [adding("known")])

    results = commit_batch(connection, [adding("a"), rolling_back("known"), adding("b")])
    [alone] = commit_batch(connection, [rolling_back("known")])

    assert [type(error) for error in errors_of([*results, alone])] == [
        type(None),
        UniqueViolation,
        type(None),
        UniqueViolation,
    ]
    assert words_in(path) == {"known", "a", "b"}


def test_a_failed_commit_fails_all_and_the_next_one_works(
    connection: sqlite3.Connection, path: Path
) -> None:
    # SQLite checks the broken reference at COMMIT, which fails and leaves the transaction open.
    results = commit_batch(connection, [adding("a"), adding("b", "no such word")])

    assert [type(error) for error in errors_of(results)] == [StorageUnavailable, StorageUnavailable]
    assert words_in(path) == set()
    assert commit_batch(connection, [adding("a")]) == [1]
    assert words_in(path) == {"a"}


def test_a_writer_that_cannot_write_fails_and_works_afterwards(
    connection: sqlite3.Connection, path: Path
) -> None:
    with closing(connect_to(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        [locked] = errors_of(commit_batch(connection, [adding("a")]))
    connection.execute("PRAGMA query_only = ON")
    [read_only] = errors_of(commit_batch(connection, [adding("a")]))
    connection.execute("PRAGMA query_only = OFF")

    assert str(locked).startswith("locked by another process for too long: SQLITE_BUSY")
    assert isinstance(read_only, StorageUnavailable)
    assert str(read_only).startswith("the file is read-only: SQLITE_READONLY")
    assert commit_batch(connection, [adding("a")]) == [1]


def test_no_error_message_contains_a_value(connection: sqlite3.Connection) -> None:
    operations: list[Operation[object]] = [
        adding("secret"),
        adding("secret"),
        lambda connection: connection.execute("SELECT gone FROM words"),
        lambda connection: connection.execute("SELECT 1", ("secret",)),
        lambda connection: connection.execute("SELECT CAST(X'736563726574FF' AS TEXT)").fetchall(),
    ]

    errors = errors_of(commit_batch(connection, operations))[1:]

    assert [str(error) for error in errors] == [
        "SQLITE_CONSTRAINT_PRIMARYKEY",
        "SQLITE_ERROR",
        "ProgrammingError",
        "a column is not UTF-8",
    ]
    assert all(error is not None and error.__cause__ is None for error in errors)


def log_size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


async def test_concurrent_writes_are_committed_together(path: Path) -> None:
    async with open_sqlite_repositories(path) as repositories:
        before = log_size(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            added = [repositories.identities.add(an_identity(id=an_id(n))) for n in range(100)]
            adding = asyncio.gather(*added)
            await asyncio.sleep(0)
        assert await adding == [True] * 100
        # Each commit writes at least a page of each index.
        assert log_size(path) - before < 100 * PAGE
