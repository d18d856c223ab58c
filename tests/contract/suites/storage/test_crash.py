"""What a store has confirmed is there after its process was killed."""

import asyncio
import multiprocessing
import os
from pathlib import Path
from typing import Final

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import DELIVERY_REPORTS
from tests.contract.suites.external_adapter import is_limit_store, open_external_database
from tests.contract.suites.promises import not_promised
from tests.contract.suites.storage.outages import A_LIMIT
from tests.contract.suites.storage.record_examples import NOW, add_reports, load_one

KILLED: Final = 9
STORES: Final = ("limits",) if is_limit_store() else ("limits", "records")


async def write(database: Database, store: str) -> None:
    if store == "records":
        await add_reports(database.records, "1")
    else:
        await database.limits.acquire([A_LIMIT], NOW)


async def is_written(database: Database, store: str) -> bool:
    if store == "records":
        return await load_one(database.records, DELIVERY_REPORTS) is not None
    return await database.limits.count_used([A_LIMIT], NOW) == [1]


def write_and_die(folder: Path, store: str) -> None:
    async def run() -> None:
        async with open_external_database(folder) as database:
            await write(database, store)
            os._exit(KILLED)

    asyncio.run(run())


@pytest.mark.parametrize("store", STORES)
async def test_what_was_confirmed_is_there_after_a_crash(tmp_path: Path, store: str) -> None:
    async with open_external_database(tmp_path) as database:
        if getattr(getattr(database, store), "is_volatile", False):
            not_promised("it declares that it is_volatile: it keeps nothing when its process ends")
    process = multiprocessing.get_context("spawn").Process(
        target=write_and_die, args=(tmp_path, store)
    )
    process.start()
    await asyncio.to_thread(process.join)
    if process.exitcode != KILLED:
        pytest.fail("it cannot be opened, or written to, by another process", pytrace=False)

    async with open_external_database(tmp_path) as database:
        if not await is_written(database, store):
            pytest.fail(
                f"It is missing in {store}: add or acquire returned before it was stored outside "
                "of the process",
                pytrace=False,
            )
