import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from tempfile import TemporaryFile

import pytest

from adapters.s3 import S3Files
from adapters.s3.reader import CHUNK_SIZE
from tests.integration.s3_setup import CACHE_CONTROL, JPEG, KEY, S3Setup
from tests.support.servers.s3 import S3Server
from tests.support.stored_files import read_file

LARGE = bytes(range(256)) * 50_000


@pytest.fixture
def setup(s3_server: S3Server) -> S3Setup:
    return S3Setup(s3_server)


@pytest.fixture
async def files(setup: S3Setup) -> AsyncIterator[S3Files]:
    async with setup.open_files() as files:
        yield files


async def test_a_file_has_its_content_type_and_a_cache_header(
    files: S3Files, setup: S3Setup, s3_server: S3Server
) -> None:
    await files.write(KEY, BytesIO(b"one"), JPEG)

    assert s3_server.keys(setup.prefix) == [f"{setup.prefix}/{KEY}"]
    head = s3_server.client.head_object(Bucket=setup.server.bucket, Key=f"{setup.prefix}/{KEY}")
    assert head["ContentType"] == JPEG
    assert head["CacheControl"] == CACHE_CONTROL


async def test_slashes_around_the_prefix_are_ignored_and_it_may_be_empty(
    setup: S3Setup, s3_server: S3Server
) -> None:
    prefix = setup.prefix
    for spelling, key, stored in ((f"/{prefix}/", KEY, f"{prefix}/{KEY}"), ("", prefix, prefix)):
        setup.prefix = spelling
        async with setup.open_files() as files:
            await files.write(key, BytesIO(b"one"), JPEG)
            assert s3_server.keys(prefix) == [stored]
            await files.delete(key)


async def test_a_large_file_is_written_at_once_and_read_in_chunks(files: S3Files) -> None:
    with TemporaryFile() as file:
        file.write(LARGE)
        file.seek(0)
        await files.write(KEY, file, JPEG)

    async with files.open_file(KEY) as stored:
        assert stored is not None
        chunks = [chunk async for chunk in stored.chunks]
    assert b"".join(chunks) == LARGE
    assert max(map(len, chunks)) <= CHUNK_SIZE


async def test_an_interrupted_write_leaves_nothing(
    files: S3Files, setup: S3Setup, s3_server: S3Server
) -> None:
    content = BytesIO(LARGE)
    writing = asyncio.create_task(files.write(KEY, content, JPEG))
    while content.tell() < len(LARGE) // 2:  # noqa: ASYNC110 - a thread reads the file
        await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert await read_file(files, KEY) is None
    assert s3_server.keys(setup.prefix) == []
