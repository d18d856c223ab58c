"""The promises of the port that stores files."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, nullcontext, suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

import httpx
import pytest

from application.features.media.ports import MAX_STORAGE_KEY_LENGTH, url_expiry
from application.ports.errors import MediaStorageUnavailable
from tests.contract.suites.media.media_store import (
    HOUR,
    JPEG,
    KEY,
    NOW,
    OTHER_KEY,
    Files,
    Store,
    list_all,
    read_file,
)
from tests.contract.suites.outcomes import expect_errors
from tests.contract.suites.time_zone import YESTERDAY, in_zone

MANY_FILES: Final = 1_003
MAX_READ: Final = 8_000_000
REPLACEMENTS: Final = 100
MISSING: Final = "the file was missing while it was replaced: do not delete and write it"
REMEMBERED: Final = (
    "open_file, get_size and list_files have to see at once what another instance did: remember no "
    "answer, also not that a file is missing"
)


@pytest.fixture
async def files(media_store: Store) -> AsyncIterator[Files]:
    async with media_store.open_files() as files:
        yield files


async def test_a_file_is_read_as_it_was_written(files: Files) -> None:
    for size in (0, 1, 65_535, 65_536, 65_537, 1_000_000):
        content = a_content(size)

        await files.write(KEY, BytesIO(content), JPEG)

        assert await read_file(files, KEY) == content, size
        parts = ((size // 2, None), (size // 3, size // 2 + 1), (0, 1)) if size > 1 else ()
        for start, stop in parts:
            assert await read_file(files, KEY, start, stop) == content[start:stop], (start, stop)
        assert await files.get_size(KEY) == size
    assert await read_file(files, OTHER_KEY) is None
    assert await files.get_size(OTHER_KEY) is None


def a_content(size: int) -> bytes:
    """Return bytes that differ from place to place."""
    return b"".join(number.to_bytes(4) for number in range(-(-size // 4)))[:size]


@pytest.mark.slow
async def test_thousands_of_storage_keys_are_listed(files: Files) -> None:
    assert await list_all(files) == []
    keys = [f"{number % 256:02x}/{number:032x}.jpg" for number in range(MANY_FILES)]
    for begin in range(0, MANY_FILES, 50):
        batch = keys[begin : begin + 50]
        await asyncio.gather(*(files.write(key, BytesIO(b""), JPEG) for key in batch))

    listed = await list_all(files)

    assert len(listed) == MANY_FILES, "some servers list a thousand keys at once, and then the next"
    assert set(listed) == set(keys)


async def test_a_storage_key_has_up_to_a_hundred_characters(files: Files) -> None:
    longest = f"ab/{'0123456789abcdef' * 6}"[: MAX_STORAGE_KEY_LENGTH - 4] + ".jpg"
    keys = (longest, longest.replace("0", "1"), "a", "a-b_c.d/e", "a-b_c.d/f")
    for key in keys:
        await files.write(key, BytesIO(key.encode()), JPEG)

    assert sorted(await list_all(files)) == sorted(keys)
    for key in keys:
        assert await read_file(files, key) == key.encode()
        assert key in (await files.url_for(key)).url


async def test_parallel_writes_of_one_key_leave_one_of_the_files(
    media_store: Store, files: Files
) -> None:
    contents = [bytes([number]) * 1_000_000 for number in range(6)]
    async with media_store.open_files() as other_files:
        await asyncio.gather(
            *(
                (files, other_files)[number % 2].write(KEY, BytesIO(content), JPEG)
                for number, content in enumerate(contents)
            )
        )

        assert await read_file(files, KEY) in contents
        assert await read_file(other_files, KEY) == await read_file(files, KEY)


class Content(BytesIO):
    """A content that counts how much of it is read at once, and may break off."""

    def __init__(self, content: bytes, error_at: int | None = None) -> None:
        super().__init__(content)
        self.most = 0
        self._error_at = error_at

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.most = max(self.most, len(data))
        if self._error_at is not None and self.tell() >= self._error_at:
            raise OSError("the upload cannot be read")
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


async def test_a_content_is_never_read_into_memory_as_a_whole(files: Files) -> None:
    content = Content(bytes(MAX_READ + 4_000_000))

    await files.write(KEY, content, JPEG)

    assert await files.get_size(KEY) == MAX_READ + 4_000_000
    assert content.most <= MAX_READ, f"one read took {content.most} bytes: read it in parts"


async def test_a_write_that_fails_leaves_the_former_file(files: Files) -> None:
    for before in (None, b"one"):
        if before is not None:
            await files.write(KEY, BytesIO(before), JPEG)

        with pytest.raises((OSError, MediaStorageUnavailable)):
            await files.write(KEY, Content(bytes(3_000_000), error_at=2_000_000), JPEG)

        left = await read_file(files, KEY)
        assert left == before, "a write that failed changed the file: write it elsewhere first"


async def test_a_cancelled_write_leaves_the_former_file_or_the_new_one(files: Files) -> None:
    await files.write(OTHER_KEY, BytesIO(b"one"), JPEG)
    new = bytes(5_000_000)
    for key, before in ((KEY, None), (OTHER_KEY, b"one")):
        writing = asyncio.create_task(files.write(key, BytesIO(new), JPEG))
        await asyncio.sleep(0.01)  # so that it has begun, or is done
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing

        assert await read_file(files, key) in (before, new), "a part of a file is visible"


async def test_a_file_is_visible_to_other_instances_at_once_and_after_a_restart(
    media_store: Store,
) -> None:
    async with media_store.open_files() as files, media_store.open_files() as other_files:
        await files.write(OTHER_KEY, BytesIO(b"other"), "image/png")
        writers = [files, other_files] * 3
        for writer, content in zip(writers, [None, b"one", b"another"] * 2, strict=True):
            expected: tuple[object, ...] = (None, None, [OTHER_KEY])
            if content is None:
                for _ in range(2):  # one that is not there is deleted too
                    await writer.delete(KEY)
            else:
                await writer.write(KEY, BytesIO(content), JPEG)
                expected = (content, len(content), [KEY, OTHER_KEY])
            for reader in (files, other_files):
                found = (
                    await read_file(reader, KEY),
                    await reader.get_size(KEY),
                    sorted(await list_all(reader)),
                )
                assert found == expected, REMEMBERED

    async with media_store.open_files() as files:
        assert await read_file(files, KEY) == b"another"
        await files.delete(KEY)
        assert await list_all(files) == [OTHER_KEY]
        assert await read_file(files, OTHER_KEY) == b"other"


async def test_a_file_is_there_all_the_time_while_it_is_replaced(
    media_store: Store, files: Files
) -> None:
    contents = [bytes([number]) * (number + 1) for number in range(REPLACEMENTS)]
    await files.write(KEY, BytesIO(contents[0]), JPEG)

    async def replace() -> None:
        for content in contents:
            await files.write(KEY, BytesIO(content), JPEG)

    async with media_store.open_files() as other_files:
        replacing = asyncio.create_task(replace())
        try:
            while not replacing.done():
                for reader in (files, other_files):
                    content = await read_file(reader, KEY)
                    assert content is not None, f"open_file: {MISSING}"
                    assert content in contents
                    assert await reader.get_size(KEY) is not None, f"get_size: {MISSING}"
                await asyncio.sleep(0)
        finally:
            await replacing


async def test_a_file_is_independent_of_another_with_the_same_content(files: Files) -> None:
    async def write_other(key: str) -> None:
        await files.write(key, BytesIO(b"other"), JPEG)

    for change, words in ((files.delete, "deleted"), (write_other, "replaced")):
        for changed, kept in ((KEY, OTHER_KEY), (OTHER_KEY, KEY)):
            for key in (KEY, OTHER_KEY):
                await files.write(key, BytesIO(b"same"), JPEG)
            await change(changed)

            found = await read_file(files, kept), await files.get_size(kept)
            assert found == (b"same", 4), (
                f"a file was gone after one with the same content was {words}: {found}"
            )


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError, None])
async def test_a_file_is_released_at_the_end_of_its_block_although_it_is_still_referenced(
    media_store: Store, files: Files, error: type[BaseException] | None
) -> None:
    await files.write(KEY, BytesIO(bytes(5_000_000)), JPEG)
    opened = []

    with pytest.raises(error) if error else nullcontext():
        for reads in (True, False):
            async with files.open_file(KEY) as file:
                assert file is not None
                opened.append(file)
                if reads:
                    assert await anext(file.chunks)
                elif error:
                    raise error

    await media_store.wait_until_released()
    assert len(opened) == 2


async def test_many_open_files_do_not_delay_a_write_a_deletion_or_the_health_check(
    files: Files,
) -> None:
    await files.write(KEY, BytesIO(bytes(5_000_000)), JPEG)

    async with AsyncExitStack() as readers:
        for _ in range(60):
            file = await readers.enter_async_context(files.open_file(KEY))
            assert file is not None
            assert await anext(file.chunks)

        await files.write(OTHER_KEY, BytesIO(b"other"), JPEG)
        await files.check()
        await files.delete(OTHER_KEY)


async def test_a_file_that_is_deleted_while_it_is_open_is_read_as_a_whole_or_not_at_all(
    files: Files,
) -> None:
    content = bytes(range(256)) * 2000
    await files.write(KEY, BytesIO(content), JPEG)

    async with files.open_file(KEY) as file:
        assert file is not None
        await files.delete(KEY)
        with suppress(MediaStorageUnavailable):
            assert b"".join([chunk async for chunk in file.chunks]) == content

    assert await read_file(files, KEY) is None
    assert await files.get_size(KEY) is None


async def test_the_url_is_the_same_whether_the_file_exists_or_not(files: Files) -> None:
    began_at = datetime.now(UTC)
    with in_zone(YESTERDAY):
        before = await files.url_for(KEY)
    ended_at = datetime.now(UTC)
    if before.expires_at is not None:
        days = (url_expiry(began_at), url_expiry(ended_at))  # it may be midnight
        assert before.expires_at in days, "a URL expires at url_expiry(now), where now is in UTC"
    await files.write(KEY, BytesIO(b"one"), JPEG)

    assert await files.url_for(KEY) == before
    assert KEY in before.url
    assert (await files.url_for(OTHER_KEY)).url != before.url


async def get_content_type(url: str, content: bytes) -> str | None:
    """Return the content type of a URL, None unless it has this content."""
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return response.headers.get("Content-Type", "") if response.content == content else None


async def test_a_file_keeps_its_content_type(media_store: Store, files: Files) -> None:
    content, types = b"same", {KEY: JPEG, OTHER_KEY: "image/png"}
    for key, content_type in types.items():
        await files.write(key, BytesIO(content), content_type)
    for key, content_type in types.items():
        kept = await get_content_type((await files.url_for(key)).url, content)
        if kept is None:
            kept = await media_store.content_type(key)
        assert kept == content_type, f"A file that was written as {content_type} is a {kept!r}"


async def test_unfinished_writes_are_deleted_and_counted_later(
    media_store: Store, files: Files
) -> None:
    await files.write(KEY, BytesIO(b"one"), JPEG)
    await media_store.leave_unfinished(NOW)
    await media_store.leave_unfinished(NOW)

    assert await list_all(files) == [KEY], "what is unfinished is no file"
    assert await files.delete_unfinished(NOW - HOUR) == 0
    assert await files.delete_unfinished(NOW + HOUR) == 2
    assert await files.delete_unfinished(NOW + HOUR) == 0
    assert await read_file(files, KEY) == b"one"


async def test_every_operation_of_a_lost_store_raises_files_unavailable(
    media_store: Store, files: Files
) -> None:
    await files.write(KEY, BytesIO(b"one"), JPEG)
    url = await files.url_for(KEY)

    await media_store.break_down()

    calls: dict[str, Awaitable[object]] = {
        "open_file": read_file(files, KEY),
        "get_size": files.get_size(KEY),
        "delete": files.delete(KEY),
    }
    if media_store.unfinished_writes_stay:
        calls["delete_unfinished"] = files.delete_unfinished(NOW)
    await expect_errors(calls, MediaStorageUnavailable, seconds=30)
    calls = {"write": files.write(OTHER_KEY, BytesIO(b"other"), JPEG)}
    await expect_errors(calls, MediaStorageUnavailable, seconds=60)
    if getattr(files, "has_health_check", True):
        await expect_errors({"check": files.check()}, MediaStorageUnavailable, seconds=15)
    assert await files.url_for(KEY) == url
