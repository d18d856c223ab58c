"""Rows that are written together: what is sent, and what others do to the rows meanwhile.

The contract suite has what they promise.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from adapters.databases.postgres import open_postgres_database
from adapters.databases.postgres.driver import PostgresConnection
from adapters.databases.postgres.sessions import Sessions
from adapters.databases.records.kinds import DELIVERY_REPORTS, IDENTITIES
from adapters.databases.records.record_store import RecordStore
from tests.contract.postgres_database import contract_postgres_url, in_postgres
from tests.contract.suites.storage.record_examples import a_report, an_identity
from tests.integration.adapters.databases.postgres.postgres_support import KEY_FINGERPRINT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

KIND: Final = DELIVERY_REPORTS
NAMES: Final = ("1", "2", "3", "4")
LOCK: Final = f"UPDATE {KIND.name} SET version = version WHERE id = %s"  # noqa: S608
WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
Connection = psycopg.Connection[Any]


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database that exists already."""
    in_postgres(request)
    return contract_postgres_url(request)


@pytest.fixture
async def store(url: str) -> AsyncIterator[RecordStore]:
    async with open_postgres_database(url, KEY_FINGERPRINT) as database:
        yield database.records


@pytest.fixture
def connection(store: RecordStore, url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def sent(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first words of the statements that are executed from then on."""
    statements: list[str] = []
    execute = Sessions.execute

    async def log(
        self: Sessions, connection: PostgresConnection, sql: str, values: Sequence[object] = ()
    ) -> Any:
        statements.append(
            " ".join([sql.split(maxsplit=1)[0], *(["unnest"] if "unnest" in sql else [])])
        )
        return await execute(self, connection, sql, values)

    monkeypatch.setattr(Sessions, "execute", log)
    return statements


async def add_all(store: RecordStore, *names: str) -> list[Any]:
    writes = (store.add(KIND, name, a_report(name), 1) for name in names)
    return await asyncio.gather(*writes, return_exceptions=True)


async def replace_each(store: RecordStore, versions: Mapping[str, int]) -> list[Any]:
    writes = (
        store.replace(KIND, name, a_report(name), version) for name, version in versions.items()
    )
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_a_write_alone_is_a_statement_of_a_row(store: RecordStore, sent: list[str]) -> None:
    assert await store.add(KIND, "1", a_report("1"), 1)
    assert await store.replace(KIND, "1", a_report("1"), 1)
    assert await store.add(IDENTITIES, "1", an_identity("1"), 1)
    assert await store.replace(IDENTITIES, "1", an_identity("1", encrypted_phone=b"phone"), 1)

    assert sent == ["INSERT", "UPDATE"] * 2


async def test_writes_of_a_moment_are_a_statement_of_each_sort(
    store: RecordStore, sent: list[str]
) -> None:
    assert await add_all(store, *NAMES) == [True] * 4
    sent.clear()

    await asyncio.gather(add_all(store, "5", "6"), replace_each(store, dict.fromkeys(NAMES, 1)))

    # A replacement locks its rows first.
    assert sorted(sent) == ["INSERT unnest", "WITH unnest"]


async def test_only_additions_that_are_taken_are_tried_alone(
    store: RecordStore, sent: list[str]
) -> None:
    await add_all(store, "2")
    sent.clear()

    assert await add_all(store, *NAMES) == [True, False, True, True]

    assert sent == ["INSERT unnest", "INSERT"]


async def test_batches_lock_rows_in_one_order(postgres_database: str) -> None:
    names = [f"{number:02}" for number in range(40)]
    backwards = [*reversed(names)]

    async with (
        open_postgres_database(postgres_database, KEY_FINGERPRINT) as database,
        open_postgres_database(postgres_database, KEY_FINGERPRINT) as other_database,
    ):
        await add_all(database.records, *names)
        with (
            psycopg.connect(postgres_database, autocommit=True) as connection,
            psycopg.connect(postgres_database) as other,
        ):
            # Each batch gets half of the rows, unless the second one waits for the first row.
            other.execute(LOCK, ["20"])
            replacing = asyncio.gather(
                replace_each(database.records, dict.fromkeys(names, 1)),
                replace_each(other_database.records, dict.fromkeys(backwards, 1)),
            )
            await wait_until(lambda: connection.execute(WAITING).fetchall() == [(2,)])
            other.rollback()
            assert sum(result.count(True) for result in await replacing) == len(names)

    # A connection reports its deadlocks at the latest when it is closed.
    with psycopg.connect(postgres_database) as connection:
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert connection.execute(deadlocks).fetchall() == [(0,)]


async def test_a_batch_that_the_server_ends_because_of_a_deadlock_is_executed_again(
    postgres_database: str,
) -> None:
    async with open_postgres_database(postgres_database, KEY_FINGERPRINT) as database:
        await add_all(database.records, *NAMES)
        with (
            psycopg.connect(postgres_database, autocommit=True) as connection,
            psycopg.connect(postgres_database) as other,
        ):
            other.execute(LOCK, ["3"])
            replacing = asyncio.create_task(replace_each(database.records, dict.fromkeys(NAMES, 1)))
            await wait_until(lambda: connection.execute(WAITING).fetchall() == [(1,)])
            with suppress(DeadlockDetected):  # the server chooses whom it ends
                await asyncio.to_thread(other.execute, LOCK, ["1"])
            other.rollback()

        assert await replacing == [True] * 4
