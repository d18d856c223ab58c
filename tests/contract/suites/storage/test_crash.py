"""What a store has confirmed is there after its process was killed."""

import asyncio
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import DELIVERY_REPORTS
from tests.contract.suites.external_adapter import open_external_database
from tests.contract.suites.promises import not_promised
from tests.contract.suites.storage.outages import A_LIMIT
from tests.contract.suites.storage.record_examples import NOW, add_reports, load_one

KILLED: Final = 9


async def add_record(database: Database) -> None:
    await add_reports(database.records, "1")


async def acquire_permit(database: Database) -> None:
    await database.limits.acquire([A_LIMIT], NOW)


def write_and_die(folder: Path, write: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_external_database(folder) as database:
            await write(database)
            os._exit(KILLED)

    asyncio.run(run())


async def kill_after(folder: Path, write: Callable[[Database], Awaitable[None]]) -> None:
    """Write in another process, which ends at once when the method has returned."""
    process = multiprocessing.get_context("spawn").Process(
        target=write_and_die, args=(folder, write)
    )
    process.start()
    await asyncio.to_thread(process.join)
    if process.exitcode != KILLED:
        pytest.fail("it cannot be opened, or written to, by another process", pytrace=False)


def skip_if_volatile(store: object) -> None:
    if getattr(store, "is_volatile", False):
        not_promised("it declares that it is_volatile: it keeps nothing when its process ends")


async def test_a_record_is_there_after_a_crash(tmp_path: Path) -> None:
    async with open_external_database(tmp_path) as database:
        skip_if_volatile(database.records)
    await kill_after(tmp_path, add_record)

    async with open_external_database(tmp_path) as database:
        if await load_one(database.records, DELIVERY_REPORTS) is None:
            pytest.fail(
                "The record is missing: add returned before it was stored outside of the process",
                pytrace=False,
            )
