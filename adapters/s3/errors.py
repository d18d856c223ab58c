"""Errors of the store, as messages for the operator and for the log.

No message quotes the store or botocore: their texts may contain a presigned URL.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import aiohttp
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from application.ports.errors import ConfigurationError, MediaFileRejected, MediaStorageUnavailable


class _Problem(NamedTuple):
    cause: str
    fix: str


_NO_BUCKET: Final = _Problem("no such bucket", "create it, or name another one.")
_ACCESS_DENIED: Final = _Problem(
    "access denied", "allow the access key to list the bucket, and to put, get and delete objects."
)
_INVALID_CREDENTIALS: Final = _Problem(
    "the credentials are invalid", "check the access key and its secret."
)
_CLOCK_SKEW: Final = _Problem("the clocks differ too much", "set the clock of this machine.")
_WRONG_REGION: Final = _Problem("the bucket is in another region", "name its region.")
_TOO_MANY_REQUESTS: Final = _Problem("too many requests", "start again later.")
_STORE_FULL: Final = _Problem("the store is full", "free some space and start again.")
_CHECK_ENDPOINT: Final = "check the endpoint and the network."
_NO_CONNECTION: Final = _Problem("cannot connect", _CHECK_ENDPOINT)
_NO_RESPONSE: Final = _Problem("no response in time", _CHECK_ENDPOINT)
_CONNECTION_LOST: Final = _Problem("the connection was lost", _CHECK_ENDPOINT)
_UNTRUSTED_CERTIFICATE: Final = _Problem("the certificate is not trusted", "check the endpoint.")
_NOT_S3: Final = _Problem("the server is not compatible with S3", "check the endpoint.")
_INVALID_NAME: Final = _Problem(
    "a name is invalid", "check the names of bucket and region, and the endpoint."
)

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList, and the codes
# of compatible stores that are full.
_BY_CODE: Final = {
    "NoSuchBucket": _NO_BUCKET,
    "404": _NO_BUCKET,  # the response to HEAD has no body
    "AccessDenied": _ACCESS_DENIED,
    "AllAccessDisabled": _ACCESS_DENIED,
    "InvalidAccessKeyId": _INVALID_CREDENTIALS,
    "SignatureDoesNotMatch": _INVALID_CREDENTIALS,
    "InvalidToken": _INVALID_CREDENTIALS,
    "ExpiredToken": _INVALID_CREDENTIALS,
    "RequestTimeTooSkewed": _CLOCK_SKEW,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "PermanentRedirect": _WRONG_REGION,
    "TemporaryRedirect": _WRONG_REGION,
    "SlowDown": _TOO_MANY_REQUESTS,
    "TooManyRequests": _TOO_MANY_REQUESTS,
    "QuotaExceeded": _STORE_FULL,
    "XMinioStorageFull": _STORE_FULL,
}
_INSUFFICIENT_STORAGE: Final = 507
# For other codes, and for responses without one.
_BY_STATUS: Final = {
    301: _WRONG_REGION,
    307: _WRONG_REGION,
    403: _ACCESS_DENIED,
    429: _TOO_MANY_REQUESTS,
    503: _TOO_MANY_REQUESTS,
    507: _STORE_FULL,
}
_BY_TYPE: Final[tuple[tuple[type[Exception], _Problem], ...]] = (
    (boto.SSLError, _UNTRUSTED_CERTIFICATE),
    (boto.ReadTimeoutError, _NO_RESPONSE),
    (TimeoutError, _NO_RESPONSE),
    (boto.ConnectionError, _NO_CONNECTION),
    (boto.HTTPClientError, _CONNECTION_LOST),
    (boto.IncompleteReadError, _CONNECTION_LOST),
    (ResponseParserError, _NOT_S3),
    (KeyError, _NOT_S3),
    (aiohttp.ClientError, _CONNECTION_LOST),
    (OSError, _CONNECTION_LOST),
    (ValueError, _INVALID_NAME),
    (boto.ParamValidationError, _INVALID_NAME),
    (boto.InvalidRegionError, _INVALID_NAME),
)

_INVALID_SETTINGS: Final = (boto.ParamValidationError, boto.InvalidRegionError, ValueError)
STORE_ERRORS: Final = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    KeyError,  # a response lacks a field that S3 always sends
)


def not_usable(store: str, error: Exception) -> ConfigurationError:
    """Return the start-up error for the operator, with a fix."""
    problem = _problem(error)
    return ConfigurationError(
        f"The media store {store} cannot be used, {problem.cause}: {problem.fix}"
    )


def files_unavailable(error: Exception) -> MediaStorageUnavailable:
    """Return the port's error. Its message contains no object key, secret or URL."""
    error_type = MediaFileRejected if is_rejection(error) else MediaStorageUnavailable
    return error_type(_problem(error).cause)


def not_responding(error: Exception) -> bool:
    """Return whether the store may work later: there is no connection, no response or no time."""
    if isinstance(error, ClientError):
        return not is_rejection(error)
    return not isinstance(error, (*_INVALID_SETTINGS, boto.SSLError, ResponseParserError, KeyError))


def is_rejection(error: Exception) -> bool:
    """Return whether the store, or botocore, has refused a request that is not worth repeating."""
    if isinstance(error, ClientError):
        status = status_of(error)
        is_temporary = status in (0, 408, 429) or status >= 500
        return status == _INSUFFICIENT_STORAGE or not is_temporary
    return isinstance(error, _INVALID_SETTINGS)


@asynccontextmanager
async def translated_errors(seconds: float) -> AsyncIterator[None]:
    """Limit the time of the block, and translate exceptions of botocore and aiohttp.

    Raises:
        MediaStorageUnavailable: The block took longer, or the store reported an error.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except STORE_ERRORS as error:
        raise files_unavailable(error) from None


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an error response, or 0 if it has none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _problem(error: Exception) -> _Problem:
    check_logs = "check the endpoint and the log of the store."
    if isinstance(error, ClientError):
        status = status_of(error)
        code = error.response.get("Error", {}).get("Code", "")
        unknown = _Problem(f"the store responds with status {status}", check_logs)
        return _BY_CODE.get(code) or _BY_STATUS.get(status, unknown)
    for error_type, problem in _BY_TYPE:
        if isinstance(error, error_type):
            return problem
    return _Problem(type(error).__name__, check_logs)
