"""The joined reads of each port, against a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from pymongo import MongoClient

from adapters.mongo.joined_reads import MOST_KEYS
from application.ports.errors import StorageUnavailable
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from tests.integration.mongo_commands import Commands, watched
from tests.support.builders import a_phone, a_tombstone, an_id, an_identity, an_item

Watched = tuple[Repositories, Commands]
MANY = 500

READS: dict[str, Callable[[Repositories, int], Awaitable[object]]] = {
    "identities": lambda records, number: records.identities.load(an_id(number)),
    "phone_verifications": lambda records, number: records.phone_verifications.load(
        a_phone(number)
    ),
    "items": lambda records, number: records.media_items.load(an_id(number)),
    "files": lambda records, number: records.media_items.find_by_storage_key(
        f"{an_id(number)}.jpg"
    ),
    "deleted_identities": lambda records, number: records.deleted_identities.find_deleted(
        [an_id(number)]
    ),
}


@pytest.fixture
async def opened(mongo_database: str) -> AsyncIterator[Watched]:
    async with watched(mongo_database) as opened:
        yield opened


async def keep(records: Repositories, numbers: Sequence[int]) -> None:
    """Keep one of each kind under these numbers."""
    phones = records.phone_verifications
    await asyncio.gather(
        *(records.identities.add(a_tombstone(id=an_id(number))) for number in numbers),
        *(records.media_items.add(an_item(id=an_id(number))) for number in numbers),
        *(
            phones.replace(a_phone(number), PhoneVerification(identity_id=an_id(number)), 0)
            for number in numbers
        ),
    )


def spoil(url: str, collection: str, identifier: str, change: dict[str, Any]) -> None:
    """Change a document as no version of ours would."""
    with MongoClient[dict[str, Any]](url) as client:
        documents = client.get_default_database()[collection]
        assert documents.update_one({"_id": identifier}, change).modified_count == 1


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_many_reads_at_once_are_a_few_commands(
    opened: Watched, read: Callable[[Repositories, int], Awaitable[object]]
) -> None:
    records, commands = opened

    await asyncio.gather(*(read(records, number) for number in range(MANY)))

    assert commands.names == ["find"] * (MANY // MOST_KEYS)


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_everybody_gets_what_was_asked_for(
    opened: Watched, read: Callable[[Repositories, int], Awaitable[object]]
) -> None:
    records, _ = opened
    await keep(records, range(0, 40, 2))
    alone = [await read(records, number) for number in range(40)]

    together = await asyncio.gather(*(read(records, number) for number in range(40)))

    assert together == alone
    assert together[0] != together[1]


async def test_reads_of_one_key_are_one_command(opened: Watched) -> None:
    records, commands = opened
    await keep(records, [1])
    commands.sent.clear()

    found = await asyncio.gather(*(records.identities.load(an_id(1)) for _ in range(MANY)))

    assert commands.names == ["find"]
    assert all(one == Versioned(a_tombstone(), 1) for one in found)


async def test_callers_who_come_and_go_need_far_fewer_commands_than_reads(
    opened: Watched,
) -> None:
    records, commands = opened
    await keep(records, range(32))
    commands.sent.clear()

    async def principal(number: int) -> None:
        for _ in range(20):
            assert await records.identities.load(an_id(number))

    await asyncio.gather(*map(principal, range(32)))

    assert set(commands.names) == {"find"}
    assert len(commands.sent) < 32 * 20 / 4


async def test_what_was_saved_before_a_read_is_in_its_answer(opened: Watched) -> None:
    records, _ = opened
    await records.identities.add(an_identity())

    async def look() -> None:
        while True:
            await records.identities.load(an_id())

    # The key is being read all the time; what is asked for later must not come from that.
    async with asyncio.TaskGroup() as others:
        looking = [others.create_task(look()) for _ in range(5)]
        for version in range(1, 51):
            assert await records.identities.replace(an_identity(), version)
            loaded = await records.identities.load(an_id())
            assert loaded is not None
            assert loaded.version == version + 1
        for task in looking:
            task.cancel()


async def test_a_caller_who_leaves_harms_nobody(opened: Watched) -> None:
    records, _ = opened
    await keep(records, [1])
    left, stayed = (asyncio.create_task(records.identities.load(an_id(1))) for _ in range(2))
    await asyncio.sleep(0)

    left.cancel()
    with suppress(asyncio.CancelledError):
        await left

    assert await stayed == Versioned(a_tombstone(), 1)


async def test_a_record_that_cannot_be_read_is_only_its_readers_trouble(
    opened: Watched, mongo_database: str
) -> None:
    records, _ = opened
    await keep(records, [1, 2, 3])
    spoil(mongo_database, "identities", an_id(2), {"$set": {"sessions": "none"}})
    spoil(mongo_database, "identities", an_id(3), {"$unset": {"version": 1}})

    first, *broken = await asyncio.gather(
        *(records.identities.load(an_id(number)) for number in (1, 2, 3)), return_exceptions=True
    )

    assert first == Versioned(a_tombstone(), 1)
    assert [str(one) for one in broken] == ["a record cannot be read"] * 2
    assert all(isinstance(one, StorageUnavailable) for one in broken)


async def test_a_key_that_is_no_text_is_not_there_and_spoils_nothing(opened: Watched) -> None:
    records, _ = opened
    await keep(records, [1])

    found = await asyncio.gather(
        records.media_items.find_by_storage_key(an_item().storage_key),
        records.media_items.find_by_storage_key("\ud800"),
        records.media_items.find_by_storage_key("\x00"),
        records.deleted_identities.find_deleted([an_id(1), "\udfff"]),
    )

    assert list(found) == [an_item(), None, None, {an_id(1)}]
