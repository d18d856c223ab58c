"""Uploading: record, file, ready."""

import re

import pytest

from application.identities.authenticate import Caller
from domain.errors import NotAnImage, NotOwner, PictureRefused, UserNotFound
from domain.media.image import ImageFormat, MediaKind
from tests.builders import a_phone, an_id
from tests.images import plain_jpeg, still_gif
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def caller(house: House) -> Caller:
    return await house.user(a_phone(1), "Rahul")


async def test_a_picture_is_in_the_library_and_its_file_in_the_store(
    house: House, caller: Caller
) -> None:
    shown = await house.upload(caller, category="Party  ")
    item = shown.item
    assert (item.owner, item.category, item.is_ready) == (caller.identity.id, "Party  ", True)
    assert item.created == house.clock.now()
    assert list(house.files.kept) == [item.key]
    assert (await house.use_cases.read_item(item.id)).item == item
    assert shown.url.url.endswith(item.key)


async def test_its_kind_is_what_its_bytes_are(house: House, caller: Caller) -> None:
    gif = await house.upload(caller, still_gif())
    photo = await house.upload(caller, plain_jpeg(40, 30))
    assert (gif.item.kind, photo.item.kind) == (MediaKind.GIF, MediaKind.IMAGE)
    assert photo.item.picture.format is ImageFormat.JPEG
    assert (photo.item.picture.width, photo.item.picture.height) == (40, 30)


async def test_a_key_cannot_be_guessed_and_names_only_the_format(
    house: House, caller: Caller
) -> None:
    keys = {(await house.upload(caller)).item.key for _ in range(20)}
    assert len(keys) == 20
    assert all(re.fullmatch(r"[0-9a-f]{32}\.gif", key) for key in keys)


async def test_only_what_was_published_is_stored(house: House, caller: Caller) -> None:
    content = still_gif() + b"what somebody hid behind it"
    shown = await house.upload(caller, content)
    stored = house.files.kept[shown.item.key]
    assert stored.startswith(b"GIF8")
    assert b"hid" not in stored
    assert shown.item.picture.bytes == len(stored)


async def test_nobody_uploads_into_somebody_elses_library(house: House, caller: Caller) -> None:
    other = await house.user(a_phone(2), "Priya")
    with pytest.raises(NotOwner):
        await house.upload(caller, owner=other.identity.id)
    assert house.database.media_items == {}


async def test_nobody_learns_whether_the_other_exists(house: House, caller: Caller) -> None:
    with pytest.raises(NotOwner):
        await house.upload(caller, owner=an_id(99))


async def test_an_administrator_uploads_into_anybodys_library(house: House, caller: Caller) -> None:
    administrator = await house.administrator(a_phone(3))
    shown = await house.upload(administrator, owner=caller.identity.id)
    assert shown.item.owner == caller.identity.id


async def test_an_administrator_uploads_into_no_library_of_nobody(
    house: House, caller: Caller
) -> None:
    administrator = await house.administrator(a_phone(3))
    await house.use_cases.delete_user(caller)
    for nobody in (caller.identity.id, an_id(99)):
        with pytest.raises(UserNotFound):
            await house.upload(administrator, owner=nobody)
    assert house.database.media_items == {}


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", NotAnImage),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NotAnImage),
        (b"\xff\xd8\xff", PictureRefused),
    ],
)
async def test_what_is_no_picture_leaves_nothing_behind(
    house: House, caller: Caller, content: bytes, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await house.upload(caller, content)
    assert house.database.media_items == {}
    assert house.files.kept == {}
