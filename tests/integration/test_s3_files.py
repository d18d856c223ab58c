import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.s3 import S3Files
from adapters.s3.folder import Folder
from adapters.s3.reading import CHUNK
from adapters.s3.storing import PART, store
from application.ports.errors import FilesUnavailable
from tests.integration.s3_folders import JPEG, KEY, OTHER, S3Place, content_of
from tests.servers.relay import Relay
from tests.servers.s3_bucket import S3Bucket
from tests.servers.s3_server import S3Server

LARGE = b"".join(bytes([number]) * (PART // 2) for number in range(5))
AFTERWARDS = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def place(s3_server: S3Server) -> S3Place:
    return S3Place(s3_server)


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Bucket:
    return S3Bucket(s3_server)


@pytest.fixture
async def files(place: S3Place) -> AsyncIterator[S3Files]:
    async with place.opened() as files:
        yield files


@pytest.fixture
async def folder(place: S3Place) -> AsyncIterator[Folder]:
    async with place.folder() as folder:
        yield folder


def before_part(folder: Folder, number: int, act: Callable[[], Awaitable[None]]) -> None:
    """Have something done when this part of an upload is about to be sent."""

    async def perhaps(params: dict[str, Any], **_: object) -> None:
        if params["query_string"]["partNumber"] == number:
            await act()

    # The library's types know nothing of handlers that are waited for.
    handler: Any = perhaps
    folder.client.meta.events.register("before-call.s3.UploadPart", handler)


async def test_a_file_lies_below_the_prefix_with_its_type_and_for_caches_to_keep(
    files: S3Files, place: S3Place, bucket: S3Bucket
) -> None:
    await files.write(KEY, b"one", JPEG)

    assert bucket.keys(place.prefix) == [f"{place.prefix}/{KEY}"]
    kept = bucket.client.head_object(Bucket=place.server.bucket, Key=f"{place.prefix}/{KEY}")
    assert kept["ContentType"] == JPEG
    assert kept["CacheControl"] == "public, max-age=3600"


@pytest.mark.parametrize("spelling", ["{}", "/{}/", "{}/"])
async def test_slashes_around_the_prefix_make_no_difference(
    place: S3Place, bucket: S3Bucket, spelling: str
) -> None:
    prefix, place.prefix = place.prefix, spelling.format(place.prefix)

    async with place.opened() as files:
        await files.write(KEY, b"one", JPEG)

    assert bucket.keys(prefix) == [f"{prefix}/{KEY}"]


async def test_without_a_prefix_files_lie_in_the_bucket_itself(
    place: S3Place, bucket: S3Bucket
) -> None:
    key, place.prefix = f"{place.prefix}.jpg", ""

    async with place.opened() as files:
        await files.write(key, b"one", JPEG)
        assert bucket.keys(key) == [key]
        await files.delete(key)


async def test_a_large_file_goes_up_in_parts_and_comes_back_whole(
    files: S3Files, place: S3Place, bucket: S3Bucket
) -> None:
    await files.write(KEY, LARGE, "image/gif")

    assert await content_of(files) == LARGE
    kept = bucket.client.head_object(Bucket=place.server.bucket, Key=f"{place.prefix}/{KEY}")
    assert kept["ETag"].endswith('-3"')
    assert kept["ContentType"] == "image/gif"
    assert kept["CacheControl"] == "public, max-age=3600"
    assert bucket.unfinished(place.prefix) == []


async def test_of_a_large_file_nothing_is_seen_before_its_last_part(
    files: S3Files, folder: Folder
) -> None:
    seen: list[bytes | None] = []

    async def look() -> None:
        seen.append(await content_of(files))

    before_part(folder, 3, look)
    await store(folder, KEY, LARGE, JPEG)

    assert seen == [None]
    assert await content_of(files) == LARGE


async def test_an_upload_that_fails_leaves_nothing_behind(
    files: S3Files, folder: Folder, place: S3Place, bucket: S3Bucket
) -> None:
    async def fail() -> None:
        raise ConnectionError

    before_part(folder, 2, fail)
    with pytest.raises(ConnectionError):
        await store(folder, KEY, LARGE, JPEG)

    assert bucket.unfinished(place.prefix) == []
    assert await content_of(files) is None


async def test_an_upload_that_is_cancelled_leaves_nothing_behind(
    files: S3Files, folder: Folder, place: S3Place, bucket: S3Bucket
) -> None:
    begun = asyncio.Event()

    async def wait_for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    before_part(folder, 2, wait_for_ever)
    storing = asyncio.create_task(store(folder, KEY, LARGE, JPEG))
    await begun.wait()
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await storing

    assert bucket.unfinished(place.prefix) == []
    assert await content_of(files) is None


async def test_what_a_lost_store_kept_of_an_upload_is_discarded_later(
    files: S3Files, place: S3Place, bucket: S3Bucket
) -> None:
    with Relay(place.server.endpoint) as door:
        detour = S3Place(place.server, door.url, place.prefix)
        async with detour.folder() as folder:

            async def lose() -> None:
                door.shut()

            before_part(folder, 2, lose)
            with pytest.raises(Exception, match="Could not connect"):
                await store(folder, KEY, LARGE, JPEG)

    assert bucket.unfinished(place.prefix) == [f"{place.prefix}/{KEY}"]
    assert await files.delete_unfinished(AFTERWARDS) == 1
    assert bucket.unfinished(place.prefix) == []


async def test_unfinished_uploads_of_others_are_left_alone(
    files: S3Files, place: S3Place, bucket: S3Bucket
) -> None:
    other = f"{place.prefix}2/{KEY}"
    bucket.begin_upload(other)
    bucket.begin_upload(f"{place.prefix}/{KEY}")

    assert await files.delete_unfinished(AFTERWARDS) == 1

    assert bucket.unfinished(place.prefix) == [other]


async def test_a_file_is_read_in_pieces(files: S3Files) -> None:
    await files.write(KEY, bytes(1_000_000), JPEG)
    file = await files.open_file(KEY)
    assert file is not None

    assert max([len(chunk) async for chunk in file.chunks]) <= CHUNK


async def test_a_connection_is_given_up_when_its_reader_stops(place: S3Place) -> None:
    with Relay(place.server.endpoint) as door:
        place.endpoint = door.url
        async with place.opened() as files:
            await files.write(KEY, LARGE, JPEG)
            begun, untouched, closed = [await files.open_file(KEY) for _ in range(3)]
            assert begun
            assert untouched
            assert closed
            await anext(begun.chunks)

            # Dropped, as an answer is whose client went away.
            del begun, untouched
            await closed.chunks.aclose()  # type: ignore[attr-defined]  # what frameworks look for

            await asyncio.to_thread(door.wait_until_idle)
            assert [chunk async for chunk in closed.chunks] == []


async def test_a_file_that_breaks_off_is_not_taken_for_a_shorter_one(place: S3Place) -> None:
    with Relay(place.server.endpoint) as door:
        place.endpoint = door.url
        async with place.opened() as files:
            await files.write(KEY, LARGE, JPEG)
            door.longest_answer = 1_000_000
            file = await files.open_file(KEY)
            assert file is not None
            assert file.size == len(LARGE)

            with pytest.raises(FilesUnavailable, match=r"^the connection broke$"):
                async for _ in file.chunks:
                    pass

            assert [chunk async for chunk in file.chunks] == []


async def test_a_file_that_is_being_read_may_be_removed(files: S3Files) -> None:
    await files.write(KEY, b"one", JPEG)
    file = await files.open_file(KEY)
    assert file is not None

    await files.delete(KEY)

    assert b"".join([chunk async for chunk in file.chunks]) == b"one"
    assert await files.open_file(KEY) is None


async def test_a_key_may_be_stored_again(files: S3Files) -> None:
    await files.write(KEY, b"one", JPEG)
    await files.write(KEY, b"another", JPEG)

    assert await content_of(files) == b"another"
    assert await content_of(files, OTHER) is None
