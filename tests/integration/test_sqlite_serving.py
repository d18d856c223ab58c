import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sqlite.errors import NotUnique
from adapters.sqlite.lane import Job, Refused
from adapters.sqlite.serving import commit_together, read_together
from application.ports.errors import StorageUnavailable

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE words (word TEXT PRIMARY KEY, meaning TEXT
    REFERENCES words DEFERRABLE INITIALLY DEFERRED);
"""


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connected(path)
    connection.executescript(SCHEMA)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()


def adding(word: str, meaning: str | None = None) -> Job[int]:
    return lambda connection: (
        connection.execute("INSERT INTO words VALUES (?, ?)", (word, meaning)).rowcount
    )


def adding_two(first: str, second: str) -> Job[int]:
    return lambda connection: adding(first)(connection) + adding(second)(connection)


def words(path: Path) -> set[str]:
    reader = connected(path)
    found = {row[0] for row in reader.execute("SELECT word FROM words")}
    reader.close()
    return found


def refusals(outcomes: object) -> list[Exception | None]:
    assert isinstance(outcomes, list)
    return [one.error if isinstance(one, Refused) else None for one in outcomes]


def test_a_refused_job_leaves_no_trace_and_the_others_count(
    connection: sqlite3.Connection, path: Path
) -> None:
    jobs = [adding("a"), adding_two("b", "a"), adding("c")]

    first, second, third = refusals(commit_together(connection, jobs))

    assert (first, third) == (None, None)
    assert isinstance(second, NotUnique)
    assert words(path) == {"a", "c"}


def test_a_job_that_fails_for_its_own_reasons_leaves_no_trace_either(
    connection: sqlite3.Connection, path: Path
) -> None:
    def failing(connection: sqlite3.Connection) -> None:
        adding("b")(connection)
        raise LookupError("its own")

    outcomes = commit_together(connection, [adding("a"), failing])

    assert isinstance(refusals(outcomes)[1], LookupError)
    assert words(path) == {"a"}


def test_a_commit_that_fails_refuses_everybody_and_the_next_one_works(
    connection: sqlite3.Connection, path: Path
) -> None:
    # The broken reference shows at COMMIT, which fails and leaves its transaction open.
    outcomes = commit_together(connection, [adding("a"), adding("b", "no such word")])

    assert [type(one) for one in refusals(outcomes)] == [StorageUnavailable, StorageUnavailable]
    assert words(path) == set()
    assert commit_together(connection, [adding("a")]) == [1]
    assert words(path) == {"a"}


def test_a_transaction_that_sqlite_gives_up_refuses_everybody_and_the_next_one_works(
    connection: sqlite3.Connection, path: Path
) -> None:
    def spoiling(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR ROLLBACK INTO words VALUES ('a', NULL)")

    outcomes = commit_together(connection, [adding("a"), spoiling, adding("b")])

    assert all(isinstance(one, StorageUnavailable) for one in refusals(outcomes))
    assert len(refusals(outcomes)) == 3
    assert words(path) == set()
    assert commit_together(connection, [adding("a")]) == [1]


def test_a_writer_that_is_kept_out_says_so_and_comes_in_later(
    connection: sqlite3.Connection, path: Path
) -> None:
    other = connected(path)
    other.execute("BEGIN IMMEDIATE")

    [error] = refusals(commit_together(connection, [adding("a")]))

    assert str(error) == "locked by another process for too long"
    other.close()
    assert commit_together(connection, [adding("a")]) == [1]


def test_nobody_writes_between_what_a_job_reads_and_what_it_writes(
    connection: sqlite3.Connection, path: Path
) -> None:
    other = connected(path)

    def reading_then_writing(connection: sqlite3.Connection) -> int:
        found = connection.execute("SELECT count(*) FROM words").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            adding("b")(other)
        return adding(f"after {found[0][0]}")(connection)

    assert commit_together(connection, [reading_then_writing]) == [1]
    assert words(path) == {"after 0"}
    other.close()


def test_a_writer_that_may_not_write_says_so(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON")

    [error] = refusals(commit_together(connection, [adding("a")]))

    assert isinstance(error, StorageUnavailable)
    assert str(error) == "the file is read-only"


def test_no_value_gets_into_the_text_of_an_error(connection: sqlite3.Connection) -> None:
    jobs: list[Job[object]] = [
        adding("secret"),
        adding("secret"),
        lambda connection: connection.execute("SELECT secret FROM words"),
        lambda connection: connection.execute("SELECT 1", ("secret",)),
    ]

    errors = refusals(commit_together(connection, jobs))[1:]

    assert [str(one) for one in errors] == [
        "SQLITE_CONSTRAINT_PRIMARYKEY",
        "SQLITE_ERROR",
        "ProgrammingError",
    ]
    assert all(one is not None and one.__cause__ is None for one in errors)


def test_what_is_read_together_is_of_one_moment(connection: sqlite3.Connection, path: Path) -> None:
    commit_together(connection, [adding("a")])
    other = connected(path)

    def counting(connection: sqlite3.Connection) -> int:
        return len(connection.execute("SELECT word FROM words").fetchall())

    def counting_while_another_writes(connection: sqlite3.Connection) -> int:
        count = counting(connection)
        adding("b")(other)
        return count

    together = read_together(connection, [counting_while_another_writes, counting])

    assert together == [1, 1]
    assert read_together(connection, [counting]) == [2]
    other.close()


def test_a_read_that_fails_is_nobody_elses(connection: sqlite3.Connection) -> None:
    jobs: list[Job[object]] = [
        lambda connection: connection.execute("SELECT nothing").fetchall(),
        lambda connection: connection.execute("SELECT 1").fetchall(),
    ]

    outcomes = read_together(connection, jobs)

    assert isinstance(refusals(outcomes)[0], StorageUnavailable)
    assert list(outcomes)[1] == [(1,)]
