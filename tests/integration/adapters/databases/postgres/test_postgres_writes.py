"""Rows that are written together: what is sent, and what others do to the rows meanwhile.

The contract suite has what they promise.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from adapters.databases.postgres import open_postgres_database
from adapters.databases.postgres.driver import PostgresConnection
from adapters.databases.postgres.sessions import Sessions
from adapters.databases.records.kinds import DELIVERY_REPORTS
from adapters.databases.records.record_store import RecordStore
from tests.contract.suites.storage.record_examples import a_report
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
KIND: Final = DELIVERY_REPORTS
NAMES: Final = ("1", "2", "3", "4")
LOCK: Final = f"UPDATE {KIND.name} SET version = version WHERE id = %s"  # noqa: S608
WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def add_all(store: RecordStore, *names: str) -> list[Any]:
    writes = (store.add(KIND, name, a_report(name), 1) for name in names)
    return await asyncio.gather(*writes, return_exceptions=True)


async def replace_each(store: RecordStore, versions: Mapping[str, int]) -> list[Any]:
    writes = (
        store.replace(KIND, name, a_report(name), version) for name, version in versions.items()
    )
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_writes_of_a_moment_are_a_statement_of_each_sort(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = Sessions.execute

    async def log(
        self: Sessions, connection: PostgresConnection, sql: str, values: Sequence[object] = ()
    ) -> Any:
        sent.append(sql.split(maxsplit=1)[0])
        return await execute(self, connection, sql, values)

    async with open_postgres_database(postgres_database, KEY_FINGERPRINT) as database:
        store = database.records
        monkeypatch.setattr(Sessions, "execute", log)
        await add_all(store, *NAMES)
        await asyncio.gather(add_all(store, "5", "6"), replace_each(store, dict.fromkeys(NAMES, 1)))

    # A replacement locks its rows first.
    assert sent[0] == "INSERT"
    assert sorted(sent[1:]) == ["INSERT", "WITH"]


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
