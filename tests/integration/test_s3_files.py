import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from io import BytesIO
from tempfile import TemporaryFile

import pytest

from adapters.s3 import S3Files, Timeouts
from adapters.s3.client import MAX_READS
from adapters.s3.reads import CHUNK_SIZE
from application.ports.errors import MediaStorageUnavailable
from tests.integration.s3_setup import CACHE_CONTROL, JPEG, KEY, S3Setup, read_file
from tests.support.servers.s3 import S3Server

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


@pytest.mark.parametrize("spelling", ["/{}/", ""])
async def test_slashes_around_the_prefix_are_ignored_and_it_may_be_empty(
    setup: S3Setup, s3_server: S3Server, spelling: str
) -> None:
    prefix, setup.prefix = setup.prefix, spelling.format(setup.prefix)
    key = KEY if spelling else f"{prefix}.jpg"

    async with setup.open_files() as files:
        await files.write(key, BytesIO(b"one"), JPEG)
        assert s3_server.keys(prefix) == [f"{prefix}/{KEY}" if spelling else key]
        await files.delete(key)


async def test_a_large_file_is_written_at_once_and_read_in_chunks(
    files: S3Files, setup: S3Setup, s3_server: S3Server
) -> None:
    with TemporaryFile() as file:
        file.write(LARGE)
        file.seek(0)
        await files.write(KEY, file, "image/gif")

    async with files.open_file(KEY) as stored:
        assert stored is not None
        chunks = [chunk async for chunk in stored.chunks]
    assert b"".join(chunks) == LARGE
    assert max(map(len, chunks)) <= CHUNK_SIZE
    head = s3_server.client.head_object(Bucket=setup.server.bucket, Key=f"{setup.prefix}/{KEY}")
    assert head["ContentType"] == "image/gif"
    assert head["CacheControl"] == CACHE_CONTROL


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

    assert await read_file(files) is None
    assert s3_server.keys(setup.prefix) == []


async def test_readers_that_do_not_stop_keep_their_connections(setup: S3Setup) -> None:
    setup.timeouts = Timeouts(read_connection=0.01)
    async with setup.open_files() as files, AsyncExitStack() as readers:
        await files.write(KEY, BytesIO(bytes(500_000)), JPEG)
        for _ in range(MAX_READS):
            await readers.enter_async_context(files.open_file(KEY))

        with pytest.raises(MediaStorageUnavailable, match=r"^too many files are being read$"):
            await read_file(files)

        await readers.aclose()
        assert await read_file(files) == bytes(500_000)


async def test_readers_that_stop_lose_their_connections_and_go_on_later(setup: S3Setup) -> None:
    content = bytes(range(256)) * 2000
    async with setup.open_files() as files, AsyncExitStack() as readers:
        await files.write(KEY, BytesIO(content), JPEG)
        chunks = []
        for _ in range(MAX_READS):
            file = await readers.enter_async_context(files.open_file(KEY))
            assert file is not None
            chunks.append(file.chunks)
        first = [await anext(each) for each in chunks]

        assert await read_file(files) == content
        assert first[0] + b"".join([chunk async for chunk in chunks[0]]) == content
