"""A database behind PgBouncer in transaction mode, whose sessions other clients use too.

`make test-pooler` runs the contract suites there.
"""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from adapters.databases.postgres import inspect_database, open_postgres_database
from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.driver import PostgresConnection
from adapters.databases.postgres.metadata import LOCK_ID
from adapters.databases.postgres.migration import migrate, plan_migration
from adapters.databases.postgres.opening import Inspection
from adapters.databases.records.database import Database
from application.ports.errors import ConfigurationError
from application.ports.versioned import Versioned
from tests.support.builders import an_id, an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_postgres_repositories
from tests.support.servers.pgbouncer import POOL_SIZE, PgBouncerProcess
from tests.support.servers.postgres import PostgresProcess, execute

FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
SETTINGS: Final = """
SELECT current_setting('transaction_isolation'), current_setting('statement_timeout'),
    current_setting('idle_in_transaction_session_timeout'), current_setting('synchronous_commit')
"""
EXPECTED: Final = ("read committed", "5500ms", "4500ms", "on")
LEFT: Final = """
SELECT (SELECT count(*) FROM pg_prepared_statements),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
"""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresProcess]:
    folder: Path = tmp_path_factory.mktemp("behind")
    with PostgresProcess(folder / "postgres") as process:
        yield process


@pytest.fixture(scope="module")
def pgbouncer(
    process: PostgresProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PgBouncerProcess]:
    folder: Path = tmp_path_factory.mktemp("pgbouncer")
    with PgBouncerProcess(folder / "pgbouncer", process.server) as pgbouncer:
        yield pgbouncer


@pytest.fixture
def name(process: PostgresProcess) -> str:
    """The name of a new database, which is not what the service wants by itself."""
    name = f"behind_{uuid.uuid4().hex}"
    process.server.execute(
        f"CREATE DATABASE {name}",
        f"ALTER DATABASE {name} SET synchronous_commit = off",
        f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'",
    )
    return name


@pytest.fixture
def url(pgbouncer: PgBouncerProcess, name: str) -> str:
    """The URL of that database behind PgBouncer."""
    return pgbouncer.server.database_url(name)


@pytest.fixture
def sessions(url: str) -> Iterator[list[psycopg.Connection[Any]]]:
    """A transaction of another client in each of the sessions."""
    with ExitStack() as stack:
        connections = [
            stack.enter_context(psycopg.connect(url, prepare_threshold=None))
            for _ in range(POOL_SIZE)
        ]
        for connection in connections:
            connection.execute("SELECT 1")
        yield connections


def database_of(database: Database) -> PostgresDatabase:
    limits: Any = database.limits
    opened: PostgresDatabase = limits._database
    return opened


async def read_settings(database: PostgresDatabase) -> list[Any]:
    """Return what holds in each kind of transaction."""

    async def in_several_steps(connection: PostgresConnection) -> Any:
        async with database.sessions.transaction(connection):
            cursor = await connection.execute(SETTINGS)
            return await cursor.fetchone()

    [row] = await database.read(SETTINGS)
    return [row, await database.run(in_several_steps)]


async def test_sessions_that_others_use_are_left_as_they_were(url: str, name: str) -> None:
    async with open_postgres_repositories(url) as repositories:
        for number in range(8):
            await repositories.identities.add(an_identity(id=an_id(number)))
        for _ in range(10):
            ids = [an_id(number) for number in range(8)]
            await asyncio.gather(*map(repositories.identities.load, ids))

    with ExitStack() as stack:
        others = [
            stack.enter_context(psycopg.connect(url, prepare_threshold=None))
            for _ in range(POOL_SIZE)
        ]
        left = {
            (*other.execute(SETTINGS).fetchone(), *other.execute(LEFT).fetchone())  # type: ignore[misc]
            for other in others
        }
    assert left == {("serializable", "0", "0", "off", 0, 0)}


async def test_what_others_leave_in_sessions_changes_no_transaction_and_no_record(
    url: str, sessions: list[psycopg.Connection[Any]]
) -> None:
    for session in sessions:
        for number in range(20):
            session.execute(f"PREPARE _pg3_{number} AS SELECT 'another', 0, '{{}}'")
        session.execute("SET synchronous_commit = local")
        session.execute("SET statement_timeout = '1h'")
        session.commit()

    async with open_postgres_database(url, FINGERPRINT) as opened:
        settings = await asyncio.gather(*(read_settings(database_of(opened)) for _ in range(20)))
    assert settings == [[EXPECTED, EXPECTED]] * 20
    async with (
        open_postgres_repositories(url) as repositories,
        open_postgres_repositories(url) as other_instance,
    ):
        ids = [an_id(number) for number in range(30)]
        added = [repositories.identities.add(an_identity(id=an_id(n))) for n in range(30)]
        assert await asyncio.gather(*added) == [True] * 30
        for instance in (repositories, other_instance) * 5:
            found = await asyncio.gather(*map(instance.identities.load, ids))
            assert found == [Versioned(an_identity(id=user_id), 1) for user_id in ids]


async def test_migrate_builds_an_index_and_lets_no_other_one_run(
    process: PostgresProcess, url: str, name: str
) -> None:
    async with open_postgres_repositories(url):
        pass
    direct = process.server.database_url(name)
    execute(direct, "DROP INDEX identities_username_key", "DROP TABLE statistics_days")
    with psycopg.connect(direct) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({LOCK_ID + 1})")
        with pytest.raises(ConfigurationError, match="Another `dialtone migrate`"):
            await migrate(url, FINGERPRINT, lambda *_, **__: None)

    plan = await migrate(url, FINGERPRINT, lambda *_, **__: None)

    assert "identities_username_key" in {created.name for created in plan.missing}
    assert not (await plan_migration(url, FINGERPRINT)).missing
    with psycopg.connect(direct) as connection:
        assert connection.execute(LEFT).fetchone() == (0, 0)


async def test_the_pooler_is_named_and_drops_no_settings_in_silence(
    pgbouncer: PgBouncerProcess, url: str
) -> None:
    assert await inspect_database(url, None) == Inspection(None, is_pooled=True)
    with pytest.raises(ConfigurationError, match="does not exist: create it"):
        await inspect_database(pgbouncer.server.database_url("no_such_name"), None)

    rejected = f"{url}?options=-csearch_path%3Down"
    with pytest.raises(ConfigurationError, match="rejects an option of the URL: drop it"):
        await inspect_database(rejected, None)
