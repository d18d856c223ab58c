"""A server that does not answer: everybody is told so in bounded time, and it is well afterwards.

No assertion measures how long that takes: what would hang is ended by the run's own limit, which
is far above every bound here.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from adapters.mongo import DatabaseNotUsable, open_mongo_records
from adapters.mongo.joined_reads import MOST_KEYS
from application.ports.errors import StorageUnavailable
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.username import Username
from domain.media.page import ItemFilter
from tests.support.builders import a_phone, a_phone_record, an_id, an_identity, an_item
from tests.support.fakes.seal import FakeSeal
from tests.support.servers.mongo_process import MongoProcess

CALLS: dict[str, Callable[[Repositories], Awaitable[object]]] = {
    "identities.load": lambda records: records.identities.load(an_id()),
    "identities.replace": lambda records: records.identities.replace(an_identity(), 99),
    "phone_records.load": lambda records: records.phone_verifications.load(a_phone()),
    "phone_records.replace": lambda records: records.phone_verifications.replace(
        a_phone(), a_phone_record(), 99
    ),
    "tombstones.among": lambda records: records.deleted_identities.find_deleted([an_id()]),
    "media_items.add": lambda records: records.media_items.add(an_item(id=an_id(2))),
    "media_pages.read": lambda records: records.media_pages.list_page(ItemFilter(), 0, 10),
    "media_pages.count": lambda records: records.media_pages.count(ItemFilter()),
    "probe.check": lambda records: records.health.check(),
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoProcess]:
    folder: Path = tmp_path_factory.mktemp("stopped")
    with MongoProcess(folder / "mongo") as process:
        yield process


@pytest.fixture
def url(process: MongoProcess) -> str:
    name = f"stopped_{uuid.uuid4().hex}"
    return f"mongodb://{process.address}/{name}?directConnection=true&timeoutMS=800"


@pytest.fixture
async def records(process: MongoProcess, url: str) -> AsyncIterator[Repositories]:
    async with open_mongo_records(url, FakeSeal()) as records:
        await records.identities.add(an_identity())
        try:
            yield records
        finally:
            process.resume()


async def until_it_answers(records: Repositories) -> None:
    """Ask until the driver has found its server again."""
    while True:
        try:
            return await records.health.check()
        except StorageUnavailable:
            # Nothing tells when it has.
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_no_call_waits_for_ever_and_all_is_well_afterwards(
    process: MongoProcess, records: Repositories, call: Callable[[Repositories], Awaitable[object]]
) -> None:
    process.pause()
    with pytest.raises(StorageUnavailable):
        await call(records)

    process.resume()
    await until_it_answers(records)

    loaded = await records.identities.load(an_id())
    assert loaded == Versioned(an_identity(), 1)


async def test_many_who_wait_are_told_all_together(
    process: MongoProcess, records: Repositories
) -> None:
    process.pause()
    waiting = [
        *(records.identities.load(an_id(number)) for number in range(10 * MOST_KEYS)),
        *(records.identities.replace(an_identity(), 99) for _ in range(100)),
        *(records.media_pages.list_page(ItemFilter(), 0, 10) for _ in range(100)),
    ]

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(one, StorageUnavailable) for one in outcomes)
    process.resume()
    await until_it_answers(records)
    assert await records.identities.load(an_id()) == Versioned(an_identity(), 1)


async def test_the_cause_is_short_and_tells_no_value(
    process: MongoProcess, records: Repositories
) -> None:
    process.pause()

    with pytest.raises(StorageUnavailable) as refusal:
        await records.identities.find_by_username(Username("Zoë"))

    assert str(refusal.value) in {"NetworkTimeout", "ExecutionTimeout 50"}
    assert refusal.value.__cause__ is None


async def test_a_frozen_server_keeps_nobody_from_closing(process: MongoProcess, url: str) -> None:
    async with open_mongo_records(url, FakeSeal()) as records:
        await records.identities.load(an_id())
        process.pause()
    process.resume()


async def test_a_server_that_is_frozen_at_the_start_is_no_server(
    process: MongoProcess, url: str
) -> None:
    process.pause()
    try:
        with pytest.raises(DatabaseNotUsable, match="has no server that answers"):
            async with open_mongo_records(url, FakeSeal()):
                pytest.fail("it was opened")
    finally:
        process.resume()


async def test_a_killed_server_is_found_again_with_all_that_was_acknowledged(
    process: MongoProcess, records: Repositories
) -> None:
    saved = 1
    while await records.identities.replace(an_identity(), saved) and saved < 50:
        saved += 1
    process.kill()
    with pytest.raises(StorageUnavailable):
        await records.identities.load(an_id())

    process.start()
    await until_it_answers(records)

    loaded = await records.identities.load(an_id())
    assert loaded is not None
    assert loaded.version == saved + 1
    assert await records.identities.replace(an_identity(), loaded.version)
