import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from adapters.s3 import S3Files, Timeouts
from adapters.s3.bucket import PART_SIZE, Bucket
from adapters.s3.client import MAX_READS
from adapters.s3.reads import CHUNK_SIZE
from application.ports.errors import MediaStorageUnavailable
from tests.integration.s3_setup import CACHE_CONTROL, JPEG, KEY, S3Setup, read_file
from tests.support.servers.http_server import TcpProxy
from tests.support.servers.s3 import S3Server

LARGE = b"".join(bytes([number]) * (PART_SIZE // 2) for number in range(5))
LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def setup(s3_server: S3Server) -> S3Setup:
    return S3Setup(s3_server)


@pytest.fixture
async def files(setup: S3Setup) -> AsyncIterator[S3Files]:
    async with setup.open_files() as files:
        yield files


@pytest.fixture
async def bucket(setup: S3Setup) -> AsyncIterator[Bucket]:
    async with setup.open_bucket() as bucket:
        yield bucket


def before_part(bucket: Bucket, number: int, act: Callable[[], Awaitable[None]]) -> None:
    """Do something before a part of a multipart upload is sent."""

    async def handle(params: dict[str, Any], **_: object) -> None:
        if params["query_string"]["partNumber"] == number:
            await act()

    # The type stubs do not allow handlers that are coroutines.
    handler: Any = handle
    bucket.client.meta.events.register("before-call.s3.UploadPart", handler)


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


async def test_a_large_file_is_uploaded_in_parts_and_read_in_chunks(
    files: S3Files, setup: S3Setup, s3_server: S3Server
) -> None:
    await files.write(KEY, BytesIO(LARGE), "image/gif")

    async with files.open_file(KEY) as file:
        assert file is not None
        chunks = [chunk async for chunk in file.chunks]
    assert b"".join(chunks) == LARGE
    assert max(map(len, chunks)) <= CHUNK_SIZE
    head = s3_server.client.head_object(Bucket=setup.server.bucket, Key=f"{setup.prefix}/{KEY}")
    assert head["ETag"].endswith('-3"')
    assert head["ContentType"] == "image/gif"
    assert head["CacheControl"] == CACHE_CONTROL
    assert s3_server.unfinished(setup.prefix) == []


async def test_a_large_file_is_invisible_until_its_last_part(
    files: S3Files, bucket: Bucket
) -> None:
    seen: list[bytes | None] = []

    async def observe() -> None:
        seen.append(await read_file(files))

    before_part(bucket, 3, observe)
    await bucket.write(KEY, BytesIO(LARGE), JPEG)

    assert seen == [None]
    assert await read_file(files) == LARGE


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError])
async def test_a_failed_or_cancelled_upload_leaves_nothing_behind(
    files: S3Files,
    bucket: Bucket,
    setup: S3Setup,
    s3_server: S3Server,
    error: type[BaseException],
) -> None:
    async def fail() -> None:
        raise error

    before_part(bucket, 2, fail)
    with pytest.raises(error):
        await bucket.write(KEY, BytesIO(LARGE), JPEG)

    assert s3_server.unfinished(setup.prefix) == []
    assert await read_file(files) is None


async def test_an_upload_that_could_not_be_aborted_is_aborted_later(
    files: S3Files, setup: S3Setup, s3_server: S3Server
) -> None:
    with TcpProxy(setup.server.endpoint) as relay:
        relayed = S3Setup(setup.server, relay.url, setup.prefix)
        async with relayed.open_bucket() as bucket:

            async def disconnect() -> None:
                relay.close()

            before_part(bucket, 2, disconnect)
            with pytest.raises(Exception, match="Could not connect"):
                await bucket.write(KEY, BytesIO(LARGE), JPEG)

    assert s3_server.unfinished(setup.prefix) == [f"{setup.prefix}/{KEY}"]
    assert await files.delete_unfinished(LATER) == 1
    assert s3_server.unfinished(setup.prefix) == []


async def test_unfinished_uploads_below_other_prefixes_stay(
    files: S3Files, setup: S3Setup, s3_server: S3Server
) -> None:
    other = f"{setup.prefix}2/{KEY}"
    s3_server.begin_upload(other)
    s3_server.begin_upload(f"{setup.prefix}/{KEY}")

    assert await files.delete_unfinished(LATER) == 1

    assert s3_server.unfinished(setup.prefix) == [other]


async def test_readers_that_do_not_stop_keep_their_connections(setup: S3Setup) -> None:
    setup.timeouts = Timeouts(read_connection=0.01)
    async with setup.open_files() as files, AsyncExitStack() as readers:
        await files.write(KEY, BytesIO(bytes(500_000)), JPEG)
        for _ in range(MAX_READS):
            await readers.enter_async_context(files.open_file(KEY))

        for read in (read_file(files), files.get_size(KEY)):
            with pytest.raises(MediaStorageUnavailable, match=r"^too many files are being read$"):
                await read

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
