from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError, UnknownServiceError
from botocore.retries.standard import ExponentialBackoff

from adapters.media.s3 import S3Files
from adapters.media.s3.errors import files_unavailable
from application.ports.errors import (
    ConfigurationError,
    MediaFileRejected,
    MediaStorageFull,
    MediaStorageUnavailable,
)
from tests.integration.adapters.media.s3_setup import JPEG, KEY, S3Setup
from tests.support.fakes.clock import MovableClock
from tests.support.servers import http_server
from tests.support.servers.http_server import (
    Behavior,
    Exchange,
    HttpServer,
    in_sequence,
    respond_with,
)
from tests.support.servers.s3 import S3Server

pytestmark = pytest.mark.slow

SECRET = "the-secret-of-this-test"
UNREACHABLE = S3Server("http://127.0.0.1:1", "the-key", SECRET)
OK = respond_with(200, b"<ListBucketResult/>", headers={"ETag": '"one"'})
FOREIGN = (
    "the server is not compatible with S3: check the endpoint; its URL is not that of a website or "
    "a console."
)
HTML = b"<!DOCTYPE html><html><body><p>It works!</body></html>"


def s3_error(status: int, code: str) -> Behavior:
    """Respond with an error of S3, whose message must not be quoted."""
    xml = f"<Error><Code>{code}</Code><Message>message with {SECRET}</Message></Error>"
    return respond_with(status, f'<?xml version="1.0" encoding="UTF-8"?>{xml}'.encode())


@pytest.fixture
def store() -> Iterator[HttpServer]:
    """A store that accepts every request until its behavior is replaced."""
    with HttpServer(OK) as store:
        yield store


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat a request at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def setup(store: HttpServer, clock: MovableClock) -> S3Setup:
    server = S3Server(store.url, "the-key-of-this-test", SECRET, "us-east-1", "images")
    return S3Setup(server, prefix="prefix", clock=clock)


@pytest.fixture
async def files(setup: S3Setup) -> AsyncIterator[S3Files]:
    async with setup.open_files() as files:
        yield files


async def write_error(files: S3Files) -> MediaStorageUnavailable:
    """Return the error of a failed write."""
    with pytest.raises(MediaStorageUnavailable) as raised:
        await files.write(KEY, BytesIO(b"one"), JPEG)
    assert raised.value.__cause__ is None
    return raised.value


@pytest.mark.parametrize(
    ("behavior", "error", "cause"),
    [
        (s3_error(404, "NoSuchBucket"), MediaFileRejected, "no such bucket"),
        (s3_error(400, "ExpiredToken"), MediaStorageUnavailable, "the session token is invalid or"),
        (s3_error(403, "QuotaExceeded"), MediaStorageFull, "the store is full"),
        (respond_with(418, HTML), MediaFileRejected, "the store responds with status 418"),
        # botocore reports this.
        (respond_with(200, HTML), MediaStorageUnavailable, "the store responds with status 500"),
        (respond_with(503), MediaStorageUnavailable, "too many requests"),
        (http_server.close_connection, MediaStorageUnavailable, "the connection was lost"),
    ],
)
async def test_a_failed_write_has_a_cause_and_differs_if_the_store_rejects_the_file(
    store: HttpServer, files: S3Files, behavior: Behavior, error: type[Exception], cause: str
) -> None:
    store.behavior = behavior

    before = len(store.requests)
    raised = await write_error(files)

    assert type(raised) is error
    assert str(raised).startswith(cause)
    # It was repeated once, if that may help.
    is_temporary = cause in ("too many requests", "the connection was lost")
    is_temporary |= cause.endswith("status 500")
    assert (len(store.requests) - before > 1) is is_temporary


def test_an_error_code_or_else_the_status_is_the_cause() -> None:
    for cause, errors in {
        "access denied": [(403, "AccessDenied"), (403, "AllAccessDisabled"), (403, "New")],
        "the credentials are invalid": [
            (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"),
        ],
        "the session token is invalid or has expired": [
            (400, "ExpiredToken"), (403, "InvalidToken"),
        ],
        "the clocks differ too much": [(403, "RequestTimeTooSkewed")],
        "the bucket is in another region": [
            (400, "AuthorizationHeaderMalformed"), (301, "PermanentRedirect"),
        ],
        "too many requests": [(503, "SlowDown"), (429, "TooManyRequests")],
        "the store is full": [(507, "XMinioStorageFull"), (507, "InsufficientStorage")],
        "the store responds with status 500": [(500, "InternalError")],
        "the store responds with status 409": [(409, "OperationAborted")],
    }.items():  # fmt: skip
        for status, code in errors:
            response: Any = {
                "Error": {"Code": code, "Message": SECRET},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            assert files_unavailable(ClientError(response, "PutObject")).reason == cause
    # An unexpected error is named, but not quoted.
    error = UnknownServiceError(service_name=SECRET, known_service_names=[])
    assert files_unavailable(error).reason == "UnknownServiceError"
    assert SECRET not in str(files_unavailable(error))


async def test_a_read_only_store_fails_the_health_check(
    store: HttpServer, files: S3Files, clock: MovableClock
) -> None:
    def read_only(exchange: Exchange) -> None:
        (OK if exchange.command == "HEAD" else s3_error(403, "AccessDenied"))(exchange)

    store.behavior = read_only
    clock.advance(timedelta(minutes=1))

    for _ in range(2):
        with pytest.raises(
            MediaStorageUnavailable, match=r"^access denied: AccessDenied 403 PutObject"
        ):
            await files.check()


async def startup_error(setup: S3Setup) -> str:
    with pytest.raises(ConfigurationError) as raised:
        async with setup.open_files():
            pass
    assert setup.server.secret_key not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("behavior", "message"),
    [
        (s3_error(404, "NoSuchBucket"), "no such bucket: create it, or name another one."),
        (respond_with(200, HTML), FOREIGN),  # an ordinary website
        (
            s3_error(400, "AuthorizationHeaderMalformed"),
            "the bucket is in another region: name its region.",
        ),
        (
            in_sequence(OK, OK, s3_error(403, "AccessDenied")),
            "access denied: allow the access key to list the bucket, and to put, get and delete "
            "objects.",
        ),
    ],
)
async def test_an_unusable_store_stops_the_start_with_a_fix(
    store: HttpServer, setup: S3Setup, behavior: Behavior, message: str
) -> None:
    store.behavior = behavior

    assert await startup_error(setup) == (
        f"The media store s3://images at {store.url} cannot be used, {message}"
    )


async def test_a_store_that_does_not_respond_does_not_stop_the_start(
    store: HttpServer, setup: S3Setup, caplog: pytest.LogCaptureFixture
) -> None:
    store.behavior = respond_with(503)

    async with setup.open_files() as files:
        assert "media_store_unavailable" in caplog.text
        store.behavior = OK
        await files.check()
    async with S3Setup(UNREACHABLE).open_files() as files:
        with pytest.raises(MediaStorageUnavailable, match=r"^cannot connect: "):
            await files.check()


def a_page(*keys: str, token: str = "", is_truncated: bool = False) -> Behavior:
    contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
    next_token = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    flag = f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>"
    body = f"<ListBucketResult>{flag}{next_token}{contents}</ListBucketResult>"
    return respond_with(200, body.encode())


LISTINGS: Final = {
    "truncated, without a token": [a_page("prefix/a", is_truncated=True)],
    "keys encoded": [a_page("prefix%2Fa")],
    "the same token": [a_page("prefix/a", token="t", is_truncated=True)] * 3,
    "the same page": [
        a_page("prefix/a", token=f"t{number}", is_truncated=True) for number in range(9)
    ],
    "empty pages": [a_page(token=f"t{number}", is_truncated=True) for number in range(9)],
}


@pytest.mark.parametrize("pages", LISTINGS.values(), ids=LISTINGS)
async def test_a_listing_that_may_be_incomplete_is_an_error_that_names_the_store(
    store: HttpServer, files: S3Files, pages: list[Behavior]
) -> None:
    store.behavior = in_sequence(*pages)
    with pytest.raises(MediaFileRejected, match="the store lists"):
        async for _ in files.list_files():
            pass


async def test_pages_are_listed_to_the_last_one(store: HttpServer, files: S3Files) -> None:
    store.behavior = in_sequence(
        a_page("prefix/a", "prefix/b", token="t", is_truncated=True), a_page("prefix/c")
    )
    assert [key async for key in files.list_files()] == ["a", "b", "c"]


async def test_encoded_keys_of_a_bucket_without_a_prefix_are_an_error_too(
    store: HttpServer, setup: S3Setup
) -> None:
    storage_key = f"ab/{1:024x}-{'ab' * 16}.jpg"
    async with replace(setup, prefix="").open_files() as files:
        store.behavior = a_page("with%20space.txt", storage_key)
        assert [key async for key in files.list_files()] == ["with%20space.txt", storage_key]
        store.behavior = a_page(storage_key.replace("/", "%2F"))
        with pytest.raises(MediaFileRejected, match="the store lists"):
            await anext(aiter(files.list_files()))
