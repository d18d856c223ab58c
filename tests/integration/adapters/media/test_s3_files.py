"""Media files on S3: how they are stored, and their URLs."""

import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO

import httpx
import pytest
from botocore import auth

from adapters.media.s3 import S3Files
from adapters.media.s3.client import Bucket, S3Connection, S3Timeouts, open_client
from adapters.media.s3.credentials import find_credentials
from adapters.media.s3.presigned import make_url_signer
from tests.integration.adapters.media.s3_setup import CACHE_CONTROL, JPEG, KEY, S3Setup
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3 import S3Server

pytestmark = pytest.mark.slow

MIDNIGHT = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CONTENT = b"one image"


@pytest.fixture
def setup(s3_server: S3Server) -> S3Setup:
    return S3Setup(s3_server)


@pytest.fixture
async def files(setup: S3Setup) -> AsyncIterator[S3Files]:
    async with setup.open_files() as files:
        yield files


async def test_a_file_is_cached_and_read_by_threads_that_look_up_no_hosts(
    files: S3Files, setup: S3Setup, s3_server: S3Server
) -> None:
    readers = set[str]()

    class Upload(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            readers.add(threading.current_thread().name)
            return super().read(size)

    await files.write(KEY, Upload(bytes(1_000_000)), JPEG)

    assert readers == {"s3"}
    head = s3_server.client.head_object(Bucket=setup.server.bucket, Key=f"{setup.prefix}/{KEY}")
    assert head["CacheControl"] == CACHE_CONTROL


async def test_a_presigned_url_permits_reading_only_and_without_credentials(
    setup: S3Setup,
) -> None:
    async with setup.open_files() as files:
        await files.write(KEY, BytesIO(CONTENT), JPEG)
        url = await files.url_for(KEY)

    async with httpx.AsyncClient(**PLAIN_HTTP) as http:
        for other in (
            await http.put(url.url, content=b"another"),
            await http.delete(url.url),
            await http.get(url.url.partition("?")[0]),
        ):
            assert other.status_code == 403
        response = await http.get(url.url)

    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["Content-Type"] == JPEG
    assert response.headers["Cache-Control"] == "private"
    assert parsedate_to_datetime(response.headers["Expires"]) == url.expires_at


@pytest.mark.parametrize("endpoint", [None, "http://[::1]:9000", "https://store.example:443"])
@pytest.mark.parametrize(("prefix", "key"), [("", KEY), ("de ep/über/", "a b+c~d/é 100%.png")])
async def test_the_url_equals_the_one_of_botocore_at_midnight(
    monkeypatch: pytest.MonkeyPatch, key: str, endpoint: str | None, prefix: str
) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda: MIDNIGHT)
    connection = S3Connection(endpoint, "eu-central-1", "key/with+signs", "a secret")
    credentials = await find_credentials(connection, 1.0)
    async with open_client(credentials.session, connection, "images", S3Timeouts()) as client:
        bucket = Bucket(client, "images", prefix)
        url_signer = await make_url_signer(bucket, connection.region, credentials.keys)
        expected = await client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": bucket.name,
                "Key": bucket.object_key(key),
                "ResponseCacheControl": "private",
                "ResponseExpires": MIDNIGHT + 2 * DAY,
            },
            ExpiresIn=int(2 * DAY.total_seconds()),
        )

    assert url_signer.sign(key, MIDNIGHT + timedelta(hours=23)).url == expected
    assert "a secret" not in repr(url_signer) + repr(connection) + repr(credentials)
