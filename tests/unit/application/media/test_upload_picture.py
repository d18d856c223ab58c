"""Uploading: record, file, ready."""

import re

import pytest

from application.principal import Principal
from domain.errors import Forbidden, InvalidImage, UnsupportedImageType, UserNotFound
from domain.media.image import ImageFormat, MediaKind
from tests.support.builders import a_phone, an_id
from tests.support.images import plain_jpeg, still_gif
from tests.unit.application.wiring import House


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def principal(house: House) -> Principal:
    return await house.user(a_phone(1), "Rahul")


async def test_a_picture_is_in_the_library_and_its_file_in_the_store(
    house: House, principal: Principal
) -> None:
    shown = await house.upload(principal, category="Party  ")
    item = shown.item
    assert (item.owner_id, item.category, item.is_ready) == (principal.identity.id, "Party  ", True)
    assert item.created_at == house.clock.now()
    assert list(house.files.kept) == [item.storage_key]
    assert (await house.use_cases.get_item(item.id)).item == item
    assert shown.url.url.endswith(item.storage_key)


async def test_its_kind_is_what_its_bytes_are(house: House, principal: Principal) -> None:
    gif = await house.upload(principal, still_gif())
    photo = await house.upload(principal, plain_jpeg(40, 30))
    assert (gif.item.kind, photo.item.kind) == (MediaKind.GIF, MediaKind.IMAGE)
    assert photo.item.image.format is ImageFormat.JPEG
    assert (photo.item.image.width, photo.item.image.height) == (40, 30)


async def test_a_key_cannot_be_guessed_and_names_only_the_format(
    house: House, principal: Principal
) -> None:
    keys = {(await house.upload(principal)).item.storage_key for _ in range(20)}
    assert len(keys) == 20
    assert all(re.fullmatch(r"[0-9a-f]{32}\.gif", key) for key in keys)


async def test_only_what_was_published_is_stored(house: House, principal: Principal) -> None:
    content = still_gif() + b"what somebody hid behind it"
    shown = await house.upload(principal, content)
    stored = house.files.kept[shown.item.storage_key]
    assert stored.startswith(b"GIF8")
    assert b"hid" not in stored
    assert shown.item.image.bytes == len(stored)


async def test_nobody_uploads_into_somebody_elses_library(
    house: House, principal: Principal
) -> None:
    other = await house.user(a_phone(2), "Priya")
    with pytest.raises(Forbidden):
        await house.upload(principal, owner=other.identity.id)
    assert house.database.media_items == {}


async def test_nobody_learns_whether_the_other_exists(house: House, principal: Principal) -> None:
    with pytest.raises(Forbidden):
        await house.upload(principal, owner=an_id(99))


async def test_an_administrator_uploads_into_anybodys_library(
    house: House, principal: Principal
) -> None:
    administrator = await house.administrator(a_phone(3))
    shown = await house.upload(administrator, owner=principal.identity.id)
    assert shown.item.owner_id == principal.identity.id


async def test_an_administrator_uploads_into_no_library_of_nobody(
    house: House, principal: Principal
) -> None:
    administrator = await house.administrator(a_phone(3))
    await house.use_cases.delete_user(principal)
    for nobody in (principal.identity.id, an_id(99)):
        with pytest.raises(UserNotFound):
            await house.upload(administrator, owner=nobody)
    assert house.database.media_items == {}


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", UnsupportedImageType),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedImageType),
        (b"\xff\xd8\xff", InvalidImage),
    ],
)
async def test_what_is_no_picture_leaves_nothing_behind(
    house: House, principal: Principal, content: bytes, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await house.upload(principal, content)
    assert house.database.media_items == {}
    assert house.files.kept == {}
