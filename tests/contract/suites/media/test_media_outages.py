"""A media store that does not answer, and one that does so again."""

import asyncio
from collections.abc import Awaitable
from io import BytesIO
from typing import Any, Final

import pytest

from application.ports.errors import MediaStorageUnavailable
from tests.contract.suites.media.media_store import (
    JPEG,
    KEY,
    OTHER_KEY,
    Files,
    Store,
    list_all,
    read_file,
)
from tests.contract.suites.outcomes import expect_errors, observe

WRITE_SECONDS: Final = 61.0
SECONDS: Final = 31.0
"""How long a call lasts at most, see the port."""
RECOVERY_SECONDS: Final = 30.0


async def read_rest(chunks: Any) -> list[bytes]:
    return [chunk async for chunk in chunks]


async def wait_until_it_works(files: Files) -> bool:
    while True:
        try:
            await files.write(OTHER_KEY, BytesIO(b"new"), JPEG)
            return await read_file(files, OTHER_KEY) == b"new"
        except MediaStorageUnavailable:
            await asyncio.sleep(0.05)  # before the next attempt


async def expect_recovery(store: Store, files: Files) -> None:
    await store.mend()
    outcome = await observe(wait_until_it_works(files), RECOVERY_SECONDS)
    if outcome.result is not True:
        pytest.fail(
            f'After provider_is("well") the store does not work again: it {outcome.words}',
            pytrace=False,
        )


async def test_a_call_of_a_store_that_does_not_answer_ends_in_time(outage_store: Store) -> None:
    async with outage_store.open_files() as files:
        await files.write(KEY, BytesIO(b"one"), JPEG)
        await outage_store.hang()
        try:
            write = files.write(OTHER_KEY, BytesIO(b"other"), JPEG)
            others: dict[str, Awaitable[object]] = {
                "open_file": read_file(files, KEY),
                "get_size": files.get_size(KEY),
                "list_files": list_all(files),
                "delete": files.delete(OTHER_KEY),
            }
            await asyncio.gather(
                expect_errors({"write": write}, MediaStorageUnavailable, seconds=WRITE_SECONDS),
                expect_errors(others, MediaStorageUnavailable, seconds=SECONDS),
            )
        finally:
            await expect_recovery(outage_store, files)


@pytest.mark.parametrize("outage", ["break_down", "hang"])
async def test_a_file_whose_reading_is_interrupted_is_an_error_and_no_part_of_it(
    outage_store: Store, outage: str
) -> None:
    content = bytes(range(256)) * 64_000  # more than buffers keep
    async with outage_store.open_files() as files:
        await files.write(KEY, BytesIO(content), JPEG)
        async with files.open_file(KEY) as file:
            assert file is not None
            first = await anext(file.chunks)
            await getattr(outage_store, outage)()
            try:
                outcome = await observe(read_rest(file.chunks), SECONDS)
            finally:
                await outage_store.mend()
        is_whole = (
            isinstance(outcome.result, list) and b"".join([first, *outcome.result]) == content
        )
        if not is_whole and not isinstance(outcome.error, MediaStorageUnavailable):
            words = "ended with a part of the file" if outcome.error is None else outcome.words
            pytest.fail(f"chunks {words}: it has to raise MediaStorageUnavailable", pytrace=False)


async def test_it_works_again_after_an_outage(outage_store: Store) -> None:
    async with outage_store.open_files() as files:
        await files.write(KEY, BytesIO(b"one"), JPEG)
        await outage_store.break_down()
        calls = {f"get_size {number}": files.get_size(KEY) for number in range(20)}
        await expect_errors(calls, MediaStorageUnavailable, seconds=SECONDS)

        await expect_recovery(outage_store, files)

        assert await read_file(files, KEY) == b"one"
