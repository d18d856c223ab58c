import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sqlite.migrate import Migration, bring_up_to_date, shipped_migrations

PATH = Path("records.db")
SHIPPED = shipped_migrations()
NEXT = Migration(
    len(SHIPPED) + 1,
    "CREATE TABLE added (one);\n\n-- A comment; with a semicolon.\nINSERT INTO added\n"
    "VALUES ('a;b');\n",
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def test_migrations_are_numbered_from_1_without_a_gap() -> None:
    assert [one.version for one in SHIPPED] == list(range(1, len(SHIPPED) + 1))


def test_no_statement_of_a_migration_is_lost() -> None:
    for migration in (*SHIPPED, NEXT):
        assert "".join(migration.statements()).strip() == migration.script.strip()


def test_a_new_file_gets_the_latest_schema(connection: sqlite3.Connection) -> None:
    bring_up_to_date(connection, PATH, "keys", SHIPPED)

    assert version(connection) == len(SHIPPED)


def test_an_older_file_gets_what_it_lacks_and_keeps_what_it_has(
    connection: sqlite3.Connection,
) -> None:
    bring_up_to_date(connection, PATH, "keys", SHIPPED)
    connection.execute("UPDATE meta SET value = 7 WHERE name = 'probes'")

    bring_up_to_date(connection, PATH, "keys", [*SHIPPED, NEXT])

    assert version(connection) == NEXT.version
    assert connection.execute("SELECT one FROM added").fetchall() == [("a;b",)]
    assert connection.execute("SELECT value FROM meta WHERE name = 'probes'").fetchone() == (7,)


def test_a_file_that_is_up_to_date_is_not_written(connection: sqlite3.Connection) -> None:
    bring_up_to_date(connection, PATH, "keys", SHIPPED)
    before = connection.total_changes, connection.execute("PRAGMA schema_version").fetchone()

    bring_up_to_date(connection, PATH, "keys", SHIPPED)

    after = connection.total_changes, connection.execute("PRAGMA schema_version").fetchone()
    assert after == before


def test_a_migration_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    first = sqlite3.connect(path, isolation_level=None)
    bring_up_to_date(first, path, "keys", SHIPPED)
    failing = Migration(NEXT.version, f"{NEXT.script}DROP TABLE nowhere;\n")

    with pytest.raises(sqlite3.OperationalError):
        bring_up_to_date(first, path, "keys", [*SHIPPED, failing])
    first.close()

    second = sqlite3.connect(path, isolation_level=None)
    assert version(second) == len(SHIPPED)
    assert second.execute("SELECT * FROM sqlite_master WHERE name = 'added'").fetchall() == []
    second.close()
