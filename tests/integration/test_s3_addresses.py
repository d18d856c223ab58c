from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from botocore import auth

from adapters.s3.folder import Access, open_folder
from adapters.s3.patience import PATIENCE
from adapters.s3.signing import Signer, signer_of
from application.ports.media_files import MediaUrl
from tests.fakes.clock import MovableClock
from tests.integration.s3_folders import JPEG, KEY, OTHER, S3Place
from tests.plain_http import PLAIN_HTTP
from tests.servers.s3_server import S3Server

MORNING = datetime(2026, 5, 1, 9, tzinfo=UTC)
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ONE, OTHER_ONE = b"the one picture", b"the other picture"


@pytest.fixture
def place(s3_server: S3Server) -> S3Place:
    return S3Place(s3_server)


@pytest.fixture
async def stranger() -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has no key, only an address."""
    async with httpx.AsyncClient(**PLAIN_HTTP) as stranger:
        yield stranger


async def test_an_address_opens_the_file_for_whoever_has_it(
    place: S3Place, stranger: httpx.AsyncClient
) -> None:
    async with place.opened() as files:
        await files.write(KEY, ONE, JPEG)
        address = await files.url_for(KEY)

    answer = await stranger.get(address.url)

    assert (answer.status_code, answer.content) == (200, ONE)
    assert answer.headers["Content-Type"] == JPEG
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (KEY, OTHER),
        ("X-Amz-Expires=86400", "X-Amz-Expires=604800"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        (f"X-Amz-Date={NOW:%Y}", f"X-Amz-Date={NOW.year + 1}"),
        ("?X-Amz", "?response-content-type=text%2Fhtml&X-Amz"),
        ("?X-Amz-Algorithm", "?nothing"),
    ],
    ids=["key", "life", "signature", "date", "more", "less"],
)
async def test_an_address_that_was_changed_opens_nothing(
    place: S3Place, stranger: httpx.AsyncClient, was: str, becomes: str
) -> None:
    async with place.opened() as files:
        await files.write(KEY, ONE, JPEG)
        await files.write(OTHER, OTHER_ONE, JPEG)
        url = (await files.url_for(KEY)).url
    assert was in url

    answer = await stranger.get(url.replace(was, becomes))

    assert answer.status_code in (400, 403)
    assert ONE not in answer.content
    assert OTHER_ONE not in answer.content


async def test_an_address_gives_no_leave_to_change_the_file(
    place: S3Place, stranger: httpx.AsyncClient
) -> None:
    async with place.opened() as files:
        await files.write(KEY, ONE, JPEG)
        url = (await files.url_for(KEY)).url

    assert (await stranger.put(url, content=b"another")).status_code == 403
    assert (await stranger.delete(url)).status_code == 403
    assert (await stranger.get(url.partition("?")[0])).status_code == 403
    assert (await stranger.get(url)).content == ONE


@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(hours=22), 200), (timedelta(hours=25), 403)]
)
async def test_an_address_opens_until_the_time_that_it_tells(
    place: S3Place, stranger: httpx.AsyncClient, age: timedelta, status: int
) -> None:
    place.clock = MovableClock(NOW - age)
    async with place.opened() as files:
        await files.write(KEY, ONE, JPEG)
        address = await files.url_for(KEY)
    assert address.expires_at is not None
    assert (address.expires_at > NOW) is (status == 200)

    assert (await stranger.get(address.url)).status_code == status


async def test_an_address_is_the_same_within_an_hour_wherever_it_is_made(place: S3Place) -> None:
    place.clock = clock = MovableClock(MORNING)
    async with place.opened() as here, place.opened() as there:
        first = await here.url_for(KEY)
        clock.advance(timedelta(minutes=59, seconds=59, milliseconds=999))
        assert await here.url_for(KEY) == await there.url_for(KEY) == first

        clock.advance(timedelta(milliseconds=1))
        assert await here.url_for(KEY) == await there.url_for(KEY) != first


async def test_when_an_address_expires_is_what_its_signature_says(place: S3Place) -> None:
    place.clock = MovableClock(MORNING + timedelta(minutes=59))
    async with place.opened() as files:
        address = await files.url_for(KEY)

    signed = parse_qs(urlsplit(address.url).query)
    begins = datetime.strptime(signed["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
    assert begins == MORNING
    assert address.expires_at == begins + timedelta(seconds=int(signed["X-Amz-Expires"][0]))
    assert address.expires_at == MORNING + DAY


@pytest.mark.parametrize("public_url", ["https://cdn.example/media", "https://cdn.example/media/"])
async def test_a_public_address_is_the_one_in_front_and_the_key_and_lasts(
    place: S3Place, public_url: str
) -> None:
    place.public_url = public_url
    async with place.opened() as files:
        assert await files.url_for(KEY) == MediaUrl(
            f"https://cdn.example/media/{KEY}", expires_at=None
        )


def test_the_signature_is_the_one_of_amazons_own_example() -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    signer = Signer(
        "https://examplebucket.s3.amazonaws.com/",
        "us-east-1",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )

    address = signer.address("test.txt", datetime(2013, 5, 24, tzinfo=UTC))

    assert address.url == (
        "https://examplebucket.s3.amazonaws.com/test.txt"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


@pytest.mark.parametrize("key", [KEY, "a b+c~d/é.png", "100%.gif"])
@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "http://127.0.0.1:9000",
        "http://[::1]:9000",
        "https://store.example",
        "https://store.example:443",
        "http://store.example:80",
        "https://store.example:80",
    ],
)
@pytest.mark.parametrize("prefix", ["", "de ep/über"])
async def test_the_signature_is_the_one_of_the_library_at_the_full_hour(
    monkeypatch: pytest.MonkeyPatch, key: str, endpoint: str | None, prefix: str
) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda: MORNING)
    access = Access(endpoint, "eu-central-1", "key/with+signs", "a secret")
    async with open_folder(access, "pictures", prefix, PATIENCE) as folder:
        signer = await signer_of(folder, access)
        theirs = await folder.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": folder.bucket, "Key": folder.key(key)},
            ExpiresIn=int(DAY.total_seconds()),
        )

    assert signer.address(key, MORNING + timedelta(minutes=30)).url == theirs


@pytest.mark.parametrize(
    ("bucket", "base"),
    [
        ("pictures", "https://pictures.s3.eu-central-1.amazonaws.com/small/"),
        ("pictures.example", "https://s3.eu-central-1.amazonaws.com/pictures.example/small/"),
    ],
)
async def test_at_amazon_the_bucket_is_in_the_hosts_name_where_a_certificate_covers_it(
    bucket: str, base: str
) -> None:
    access = Access(None, "eu-central-1", "key", "secret")
    async with open_folder(access, bucket, "small", PATIENCE) as folder:
        signer = await signer_of(folder, access)

    assert signer.base == base
    assert "secret" not in repr(signer)
