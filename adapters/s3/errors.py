"""What goes wrong with a bucket: at open for the operator, afterwards for the log.

Neither quotes what the store or the library says: that may hold an address with a signature.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import aiohttp
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from application.ports.errors import ConfigurationError, MediaStorageUnavailable


class MediaStoreNotUsable(ConfigurationError):
    """Files cannot be kept in the bucket; the text says why and what to do."""


class _Trouble(NamedTuple):
    cause: str
    way_out: str


_NO_BUCKET: Final = _Trouble("no such bucket", "make it, or name another one.")
_DENIED: Final = _Trouble(
    "access denied", "let the key list the bucket, and put, get and delete its objects."
)
_CREDENTIALS: Final = _Trouble(
    "the credentials are refused", "check the access key and its secret."
)
_CLOCK: Final = _Trouble("the clocks differ too much", "set the clock of this machine.")
_REGION: Final = _Trouble("the bucket is in another region", "name its region.")
_BUSY: Final = _Trouble("it asks to slow down", "start again later.")
_FULL: Final = _Trouble("it is full", "free some space and start again.")
_ENDPOINT: Final = "check its address and the network."
_NO_CONNECTION: Final = _Trouble("cannot connect", _ENDPOINT)
_NO_ANSWER: Final = _Trouble("no answer in time", _ENDPOINT)
_BROKEN: Final = _Trouble("the connection broke", _ENDPOINT)
_CERTIFICATE: Final = _Trouble("its certificate is not trusted", "check its address.")
_NOT_S3: Final = _Trouble("what answers there does not speak S3", "check its address.")
_NAMES: Final = _Trouble("no such name is possible", "check the bucket, region and address.")

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList, and what
# compatible stores say when they are full.
_BY_CODE: Final = {
    "NoSuchBucket": _NO_BUCKET,
    "404": _NO_BUCKET,  # to HEAD, which has no body
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "RequestTimeTooSkewed": _CLOCK,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "SlowDown": _BUSY,
    "TooManyRequests": _BUSY,
    "QuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
}
# Where the code is another one, or there is none.
_BY_STATUS: Final = {301: _REGION, 307: _REGION, 403: _DENIED, 429: _BUSY, 503: _BUSY, 507: _FULL}
_BY_TYPE: Final[tuple[tuple[type[Exception], _Trouble], ...]] = (
    (boto.SSLError, _CERTIFICATE),
    (boto.ReadTimeoutError, _NO_ANSWER),
    (TimeoutError, _NO_ANSWER),
    (boto.ConnectionError, _NO_CONNECTION),
    (boto.HTTPClientError, _BROKEN),
    (boto.IncompleteReadError, _BROKEN),
    (ResponseParserError, _NOT_S3),
    (KeyError, _NOT_S3),
    (aiohttp.ClientError, _BROKEN),
    (OSError, _BROKEN),
    (ValueError, _NAMES),
    (boto.ParamValidationError, _NAMES),
    (boto.InvalidRegionError, _NAMES),
)

STORE_ERRORS: Final = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    KeyError,  # an answer lacks what the answers of S3 have
)


def at_open(store: str, error: Exception) -> MediaStoreNotUsable:
    """Put the error into words for the operator."""
    trouble = _trouble(error)
    return MediaStoreNotUsable(
        f"The media store {store} cannot be used, {trouble.cause}: {trouble.way_out}"
    )


def at_run_time(error: Exception) -> MediaStorageUnavailable:
    """Put the error into words that hold no key, secret or address."""
    return MediaStorageUnavailable(_trouble(error).cause)


@asynccontextmanager
async def told_apart(seconds: float) -> AsyncIterator[None]:
    """Give what is done inside so many seconds.

    Raises:
        MediaStorageUnavailable: it took longer, or the store did not do it.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except STORE_ERRORS as error:
        raise at_run_time(error) from None


def status_of(error: ClientError) -> int:
    """The status of the answer that was no success, 0 where it has none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _trouble(error: Exception) -> _Trouble:
    if isinstance(error, ClientError):
        status = status_of(error)
        by_code = _BY_CODE.get(error.response.get("Error", {}).get("Code", ""))
        unforeseen = _Trouble(f"it answers with {status}", "check its address and its own log.")
        return by_code or _BY_STATUS.get(status, unforeseen)
    for kind, trouble in _BY_TYPE:
        if isinstance(error, kind):
            return trouble
    return _Trouble(type(error).__name__, "check its address and its own log.")
