import asyncio

import pytest

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem
from tests.contract.conftest import OpenRecords
from tests.support.builders import NOW, a_gif, an_id, an_item

PENDING = an_item(state=ItemState.PENDING)
STATES = [PENDING, an_item(category=" Räder\n"), a_gif(category="").mark_for_deletion(NOW)]


async def test_an_item_that_was_never_added_is_not_there(records: Repositories) -> None:
    await records.media_items.add(an_item(id=an_id(2)))

    assert await records.media_items.load(an_id()) is None
    assert await records.media_items.find_by_storage_key(an_item().storage_key) is None


@pytest.mark.parametrize("item", STATES)
async def test_an_item_comes_back_in_whatever_state_at_version_1(
    records: Repositories, item: MediaItem
) -> None:
    await records.media_items.add(item)

    assert await records.media_items.load(item.id) == Versioned(item, 1)


@pytest.mark.parametrize("item", STATES)
async def test_an_item_is_found_by_the_key_of_its_file(
    records: Repositories, item: MediaItem
) -> None:
    await records.media_items.add(item)
    await records.media_items.add(an_item(id=an_id(2)))

    assert await records.media_items.find_by_storage_key(item.storage_key) == item


async def test_an_item_is_replaced_under_its_version(records: Repositories) -> None:
    await records.media_items.add(PENDING)

    assert await records.media_items.replace(an_item(), 1)
    assert await records.media_items.load(an_id()) == Versioned(an_item(), 2)
    assert await records.media_items.find_by_storage_key(an_item().storage_key) == an_item()


async def test_a_version_is_good_for_one_replacement(records: Repositories) -> None:
    await records.media_items.add(PENDING)
    await records.media_items.replace(an_item(), 1)

    assert not await records.media_items.replace(PENDING, 1)
    assert not await records.media_items.delete(PENDING.id, 1)
    assert await records.media_items.load(an_id()) == Versioned(an_item(), 2)


async def test_an_item_that_is_not_there_is_neither_replaced_nor_removed(
    records: Repositories,
) -> None:
    assert not await records.media_items.replace(an_item(), 1)
    assert not await records.media_items.delete(an_id(), 1)
    assert await records.media_items.load(an_id()) is None


async def test_a_removed_item_is_forgotten(records: Repositories) -> None:
    await records.media_items.add(an_item())
    await records.media_items.add(an_item(id=an_id(2)))

    assert await records.media_items.delete(an_id(), 1)

    assert await records.media_items.load(an_id()) is None
    assert await records.media_items.find_by_storage_key(an_item().storage_key) is None
    assert await records.media_items.load(an_id(2)) is not None


async def test_of_fifty_replacements_of_one_version_one_wins(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    await records.media_items.add(an_item())
    contenders = [an_item(category=str(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            (records, records_elsewhere)[number % 2].media_items.replace(one, 1)
            for number, one in enumerate(contenders)
        )
    )

    assert won.count(True) == 1
    assert await records.media_items.load(an_id()) == Versioned(contenders[won.index(True)], 2)


async def test_of_twenty_publishings_and_twenty_removals_of_one_version_one_wins(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    await records.media_items.add(PENDING)

    won = await asyncio.gather(
        *(records.media_items.replace(an_item(), 1) for _ in range(20)),
        *(records_elsewhere.media_items.delete(an_id(), 1) for _ in range(20)),
    )

    assert won.count(True) == 1
    was_removed = won.index(True) >= 20
    assert (await records.media_items.load(an_id()) is None) is was_removed


async def test_a_saved_item_outlives_the_process_that_saved_it(open_records: OpenRecords) -> None:
    async with open_records() as records:
        await records.media_items.add(an_item())

    async with open_records() as records:
        assert await records.media_items.load(an_id()) == Versioned(an_item(), 1)
