"""The file of a ready item is served to whoever knows its key."""

import pytest

from domain.errors import MediaFileNotFound, Unavailable
from domain.media.item import ItemState
from tests.support.builders import an_item
from tests.unit.application.wiring import GIF, House


async def test_a_file_is_served_to_whoever_knows_its_key(house: House, key: str) -> None:
    opened = await house.use_cases.open_file(key)
    content = b"".join([chunk async for chunk in opened.file.chunks])
    assert content == house.files.kept[key]
    assert opened.file.size == len(content)
    assert opened.item.image.format.content_type == "image/gif"


async def test_an_unknown_key_is_not_found(house: House) -> None:
    house.files.kept["left-over.gif"] = GIF
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file("left-over.gif")


async def test_a_file_that_is_lost_is_not_found(house: House, key: str) -> None:
    del house.files.kept[key]
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file(key)


async def test_what_does_not_answer_is_not_declared_missing(house: House, key: str) -> None:
    house.files.broken = True
    with pytest.raises(Unavailable):
        await house.use_cases.open_file(key)
    house.files.broken, house.database.is_down = False, True
    with pytest.raises(Unavailable):
        await house.use_cases.open_file(key)


@pytest.mark.parametrize("state", [ItemState.PENDING, ItemState.DELETING])
async def test_the_file_of_what_is_not_ready_is_not_found(house: House, state: ItemState) -> None:
    item = an_item(state=state)
    await house.database.records().media_items.add(item)
    house.files.kept[item.storage_key] = GIF
    with pytest.raises(MediaFileNotFound):
        await house.use_cases.open_file(item.storage_key)
