import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from application.ports.errors import FilesUnavailable
from application.ports.media_files import MediaFiles
from tests.contract.media_files_fixture import Files, Place, files, place

__all__ = ["files", "place"]  # pytest finds fixtures among the names of a test module

KEY, OTHER = f"{1:032x}.jpg", f"{2:032x}.png"
JPEG = "image/jpeg"
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


async def content_of(files: MediaFiles, key: str) -> bytes | None:
    file = await files.open_file(key)
    if file is None:
        return None
    content = b"".join([chunk async for chunk in file.chunks])
    assert len(content) == file.size
    return content


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_000_000])
async def test_a_file_is_read_back_as_it_was_stored(files: Files, size: int) -> None:
    content = bytes(number * number % 251 for number in range(size))

    await files.write(KEY, content, JPEG)

    assert await content_of(files, KEY) == content


async def test_a_file_that_was_never_stored_is_not_there(files: Files) -> None:
    await files.write(KEY, b"one", JPEG)

    assert await files.open_file(OTHER) is None


async def test_files_are_kept_apart_by_their_keys(files: Files) -> None:
    await asyncio.gather(
        *(files.write(f"{number:032x}.gif", b"%d" % number, "image/gif") for number in range(50))
    )

    for number in range(50):
        assert await content_of(files, f"{number:032x}.gif") == b"%d" % number


async def test_a_stored_file_is_there_when_the_store_is_opened_again(place: Place) -> None:
    async with place.opened() as files:
        await files.write(KEY, b"one", JPEG)

    async with place.opened() as files:
        assert await content_of(files, KEY) == b"one"


async def test_a_file_is_seen_by_everybody_as_soon_as_it_is_stored(place: Place) -> None:
    async with place.opened() as here, place.opened() as there:
        await here.write(KEY, b"one", JPEG)

        assert await content_of(there, KEY) == b"one"


async def test_a_file_is_never_seen_in_part(files: Files) -> None:
    content = bytes(5_000_000)

    storing = asyncio.create_task(files.write(KEY, content, JPEG))
    while not storing.done():
        assert await content_of(files, KEY) in (None, content)
        await asyncio.sleep(0)
    await storing

    assert await content_of(files, KEY) == content


async def test_several_may_read_a_file_at_once_each_at_its_own_pace(files: Files) -> None:
    content = bytes(range(256)) * 1000
    await files.write(KEY, content, JPEG)
    slow = await files.open_file(KEY)
    assert slow is not None
    first = await anext(slow.chunks)

    assert await content_of(files, KEY) == content

    assert first + b"".join([chunk async for chunk in slow.chunks]) == content


async def test_a_reader_may_stop_before_the_end_or_never_begin(files: Files) -> None:
    await files.write(KEY, bytes(500_000), JPEG)

    for _ in range(3):
        begun, untouched = await files.open_file(KEY), await files.open_file(KEY)
        assert begun is not None
        assert untouched is not None
        assert await anext(begun.chunks)

    await files.delete(KEY)


async def test_a_removed_file_is_gone_and_the_others_stay(files: Files) -> None:
    await files.write(KEY, b"one", JPEG)
    await files.write(OTHER, b"other", "image/png")

    await files.delete(KEY)

    assert await files.open_file(KEY) is None
    assert await content_of(files, OTHER) == b"other"


async def test_removing_what_is_not_there_is_no_error(files: Files) -> None:
    await files.delete(KEY)
    await files.write(KEY, b"one", JPEG)
    await files.delete(KEY)

    await files.delete(KEY)


async def test_an_address_is_given_whether_the_file_is_there_or_not(files: Files) -> None:
    before = await files.url_for(KEY)
    await files.write(KEY, b"one", JPEG)

    assert await files.url_for(KEY) == before
    assert KEY in before.url
    assert (await files.url_for(OTHER)).url != before.url


async def test_an_address_lasts_or_says_until_when(files: Files) -> None:
    address = await files.url_for(KEY)

    assert address.expires_at is None or address.expires_at > NOW


async def test_what_was_left_unfinished_before_then_is_discarded_and_counted(
    place: Place, files: Files
) -> None:
    await files.write(KEY, b"one", JPEG)
    place.leave_unfinished(NOW)
    place.leave_unfinished(NOW)

    assert await files.delete_unfinished(NOW + HOUR) == 2
    assert await files.delete_unfinished(NOW + HOUR) == 0
    assert await content_of(files, KEY) == b"one"


async def test_what_may_still_be_under_way_is_not_discarded(place: Place, files: Files) -> None:
    place.leave_unfinished(NOW)

    assert await files.delete_unfinished(NOW - HOUR) == 0
    assert await files.delete_unfinished(NOW + HOUR) == 1


async def test_a_store_that_works_is_found_to_work(files: Files) -> None:
    await asyncio.gather(*(files.check() for _ in range(20)))


async def test_a_store_that_is_gone_says_so_whatever_it_is_asked(
    place: Place, files: Files
) -> None:
    await files.write(KEY, b"one", JPEG)
    address = await files.url_for(KEY)

    place.break_down()

    for ask in (
        lambda: files.write(OTHER, b"other", JPEG),
        lambda: files.open_file(KEY),
        lambda: files.delete(KEY),
        lambda: files.delete_unfinished(NOW),
        files.check,
    ):
        with pytest.raises(FilesUnavailable):
            await ask()
    assert await files.url_for(KEY) == address
