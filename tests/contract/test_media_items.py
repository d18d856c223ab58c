"""Items by their storage key, on all databases; see `test_records` for the rest."""

import pytest

from application.ports.repositories import Repositories
from domain.media.item import ItemState, MediaItem
from tests.support.builders import NOW, a_gif, an_id, an_item


@pytest.mark.parametrize(
    "item",
    [
        an_item(state=ItemState.PENDING),
        an_item(category=" Räder\n"),
        a_gif(category="").mark_for_deletion(NOW),
    ],
)
async def test_an_item_is_found_by_its_storage_key_until_it_is_deleted(
    repositories: Repositories, item: MediaItem
) -> None:
    items = repositories.media_items
    await items.add(an_item(id=an_id(2)))
    assert await items.find_by_storage_key(item.storage_key) is None

    await items.add(item)
    assert await items.find_by_storage_key(item.storage_key) == item
    changed = item.categorize("wheels")
    assert await items.replace(changed, 1)
    assert await items.find_by_storage_key(item.storage_key) == changed

    assert await items.delete(item.id, 2)
    assert await items.load(item.id) is None
    assert await items.find_by_storage_key(item.storage_key) is None
    assert await items.load(an_id(2)) is not None
