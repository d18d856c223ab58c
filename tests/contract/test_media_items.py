import asyncio

import pytest

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.media.item import ItemState, MediaItem
from tests.contract.conftest import OpenRepositories
from tests.support.builders import NOW, a_gif, an_id, an_item

PENDING = an_item(state=ItemState.PENDING)
STATES = [PENDING, an_item(category=" Räder\n"), a_gif(category="").mark_for_deletion(NOW)]


async def test_an_item_that_was_never_added_is_missing(repositories: Repositories) -> None:
    await repositories.media_items.add(an_item(id=an_id(2)))

    assert await repositories.media_items.load(an_id()) is None
    assert await repositories.media_items.find_by_storage_key(an_item().storage_key) is None


@pytest.mark.parametrize("item", STATES)
async def test_an_added_item_is_loaded_unchanged_at_version_1(
    repositories: Repositories, item: MediaItem
) -> None:
    await repositories.media_items.add(item)

    assert await repositories.media_items.load(item.id) == Versioned(item, 1)


@pytest.mark.parametrize("item", STATES)
async def test_an_item_is_found_by_its_storage_key(
    repositories: Repositories, item: MediaItem
) -> None:
    await repositories.media_items.add(item)
    await repositories.media_items.add(an_item(id=an_id(2)))

    assert await repositories.media_items.find_by_storage_key(item.storage_key) == item


async def test_an_item_is_replaced_with_its_version(repositories: Repositories) -> None:
    await repositories.media_items.add(PENDING)

    assert await repositories.media_items.replace(an_item(), 1)
    assert await repositories.media_items.load(an_id()) == Versioned(an_item(), 2)
    assert await repositories.media_items.find_by_storage_key(an_item().storage_key) == an_item()


async def test_a_version_allows_one_replacement(repositories: Repositories) -> None:
    await repositories.media_items.add(PENDING)
    await repositories.media_items.replace(an_item(), 1)

    assert not await repositories.media_items.replace(PENDING, 1)
    assert not await repositories.media_items.delete(PENDING.id, 1)
    assert await repositories.media_items.load(an_id()) == Versioned(an_item(), 2)


async def test_a_missing_item_is_neither_replaced_nor_deleted(
    repositories: Repositories,
) -> None:
    assert not await repositories.media_items.replace(an_item(), 1)
    assert not await repositories.media_items.delete(an_id(), 1)
    assert await repositories.media_items.load(an_id()) is None


async def test_a_deleted_item_is_missing(repositories: Repositories) -> None:
    await repositories.media_items.add(an_item())
    await repositories.media_items.add(an_item(id=an_id(2)))

    assert await repositories.media_items.delete(an_id(), 1)

    assert await repositories.media_items.load(an_id()) is None
    assert await repositories.media_items.find_by_storage_key(an_item().storage_key) is None
    assert await repositories.media_items.load(an_id(2)) is not None


async def test_one_of_fifty_parallel_replacements_wins(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    await repositories.media_items.add(an_item())
    items = [an_item(category=str(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            (repositories, other_repositories)[number % 2].media_items.replace(item, 1)
            for number, item in enumerate(items)
        )
    )

    assert won.count(True) == 1
    assert await repositories.media_items.load(an_id()) == Versioned(items[won.index(True)], 2)


async def test_one_of_forty_parallel_replacements_and_deletions_wins(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    await repositories.media_items.add(PENDING)

    won = await asyncio.gather(
        *(repositories.media_items.replace(an_item(), 1) for _ in range(20)),
        *(other_repositories.media_items.delete(an_id(), 1) for _ in range(20)),
    )

    assert won.count(True) == 1
    was_deleted = won.index(True) >= 20
    assert (await repositories.media_items.load(an_id()) is None) is was_deleted


async def test_a_saved_item_survives_a_restart(open_repositories: OpenRepositories) -> None:
    async with open_repositories() as repositories:
        await repositories.media_items.add(an_item())

    async with open_repositories() as repositories:
        assert await repositories.media_items.load(an_id()) == Versioned(an_item(), 1)
