"""Errors of the store, as messages for the operator and for the log.

No message quotes the store or botocore, whose texts may contain a presigned URL: `code_of` shows
what is left without it, in the log only.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, Final, NamedTuple

import aiohttp
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from adapters.shared.causes import code_of, describe_error
from application.ports.errors import (
    ConfigurationError,
    MediaFileRejected,
    MediaStorageFull,
    MediaStorageUnavailable,
)


class _Problem(NamedTuple):
    """A cause and its fix, with the codes and statuses of responses, or the exceptions."""

    cause: str
    fix: str
    codes: Collection[str] = ()
    statuses: Collection[int] = ()
    types: tuple[type[Exception], ...] = ()


_INSUFFICIENT_STORAGE: Final = 507
_NAME: Final = re.compile(r"[\w.+/=-]{1,128}")
_EXPIRED_TOKEN: Final = {"InvalidToken", "ExpiredToken"}
_FULL: Final = "the store is full"
_CHECK_ENDPOINT: Final = "check the endpoint and the network."
CHECK_ROLE: Final = "check the role, and the network to the metadata service or to STS."
_INVALID_SETTINGS: Final = (boto.ParamValidationError, boto.InvalidRegionError, ValueError)
_NOT_RENEWED: Final = _Problem(
    "the credentials cannot be renewed",
    CHECK_ROLE,
    types=(
        boto.CredentialRetrievalError,
        boto.MetadataRetrievalError,
        boto.NoCredentialsError,
        RuntimeError,
    ),
)
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList, and the codes
# of compatible stores that are full. The status is for other codes, and for responses without one.
_PROBLEMS: Final = (
    _Problem(
        "no such bucket",
        "create it, or name another one.",
        {"NoSuchBucket", "404"},  # the response to HEAD has no body
    ),
    _Problem(
        "access denied",
        "allow the access key to list the bucket, and to put, get and delete objects.",
        {"AccessDenied", "AllAccessDisabled"},
        {403},
    ),
    _Problem(
        "the credentials are invalid",
        "check the access key and its secret.",
        {"InvalidAccessKeyId", "SignatureDoesNotMatch"},
    ),
    _Problem(
        "the session token is invalid or has expired",
        "set AWS_SESSION_TOKEN to a new one with its keys, or use a role, which is renewed.",
        _EXPIRED_TOKEN,
    ),
    _Problem(
        "the clocks differ too much", "set the clock of this machine.", {"RequestTimeTooSkewed"}
    ),
    _Problem(
        "the bucket is in another region",
        "name its region.",
        {"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"},
        {301, 307},
    ),
    _Problem(
        "too many requests", "start again later.", {"SlowDown", "TooManyRequests"}, {429, 503}
    ),
    _Problem(
        _FULL,
        "free some space and start again.",
        {"QuotaExceeded", "XMinioStorageFull"},
        {_INSUFFICIENT_STORAGE},
    ),
    _NOT_RENEWED,
    # Some exceptions have several of these types: the first problem counts.
    _Problem("the certificate is not trusted", "check the endpoint.", types=(boto.SSLError,)),
    _Problem("no response in time", _CHECK_ENDPOINT, types=(boto.ReadTimeoutError, TimeoutError)),
    _Problem("cannot connect", _CHECK_ENDPOINT, types=(boto.ConnectionError,)),
    _Problem(
        "the connection was lost",
        _CHECK_ENDPOINT,
        types=(boto.HTTPClientError, boto.IncompleteReadError, aiohttp.ClientError, OSError),
    ),
    _Problem(
        "the server is not compatible with S3",
        "check the endpoint; its URL is not that of a website or a console.",
        types=(ResponseParserError, KeyError),
    ),
    _Problem(
        "a name is invalid",
        "check the names of bucket and region, and the endpoint.",
        types=_INVALID_SETTINGS,
    ),
)
STORE_ERRORS: Final = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    RuntimeError,  # botocore: credentials were renewed, and have expired nevertheless
    KeyError,  # a response lacks a field that S3 always sends
)


def not_usable(store: str, error: Exception) -> ConfigurationError:
    """Return the start-up error for the operator, with a fix."""
    problem = _problem(error)
    return ConfigurationError(
        f"The media store {store} cannot be used, {problem.cause}: {problem.fix}"
    )


def files_unavailable(error: Exception) -> MediaStorageUnavailable:
    """Return the port's error. Its text contains no object key, secret or URL."""
    cause, details = _problem(error).cause, code_of(error)
    if cause == _FULL:
        return MediaStorageFull(cause, details)
    # With a new token, the file can be stored.
    is_final = is_rejection(error) and _code_of(error) not in _EXPIRED_TOKEN
    return (MediaFileRejected if is_final else MediaStorageUnavailable)(cause, details)


def not_responding(error: Exception) -> bool:
    """Return whether the store may work later: no connection, no response or a timeout."""
    if isinstance(error, ClientError):
        return not is_rejection(error)
    return not isinstance(error, (*_INVALID_SETTINGS, boto.SSLError, ResponseParserError, KeyError))


def is_rejection(error: Exception) -> bool:
    """Return whether the store, or botocore, has refused a request that is not worth repeating."""
    if isinstance(error, ClientError):
        if _is_of_sts(error):
            return False  # the file may be stored when the credentials are renewed
        status = status_of(error)
        is_temporary = status in (0, 408, 429) or status >= 500
        return status == _INSUFFICIENT_STORAGE or not is_temporary
    return isinstance(error, _INVALID_SETTINGS)


def is_foreign(error: ClientError) -> bool:
    """Return whether a final error response is not one of S3, which names its code in the body."""
    return is_rejection(error) and (_code_of(error) or "0").isdecimal()


@asynccontextmanager
async def translated_errors(seconds: float) -> AsyncIterator[None]:
    """Limit the time of the block, and translate exceptions of botocore and aiohttp."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except STORE_ERRORS as error:
        raise files_unavailable(error) from None


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an error response, or 0 if it has none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _code_of(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return ""
    return error.response.get("Error", {}).get("Code", "")


def _is_of_sts(error: ClientError) -> bool:
    """Return whether the request for new credentials failed, before that to the store."""
    return error.operation_name.startswith("AssumeRole")


def _problem(error: Exception) -> _Problem:
    code, status, cause = _code_of(error), 0, type(error).__name__
    if isinstance(error, ClientError):
        if _is_of_sts(error):
            return _NOT_RENEWED
        status = status_of(error)
        cause = f"the store responds with status {status}"
    return next(
        chain(
            (problem for problem in _PROBLEMS if code in problem.codes),
            (problem for problem in _PROBLEMS if status in problem.statuses),
            (problem for problem in _PROBLEMS if isinstance(error, problem.types)),
        ),
        _Problem(cause, "check the endpoint and the log of the store."),
    )


@code_of.register
def _(error: ClientError) -> str:
    """Return code, status, operation and request id of an error response."""
    response: Any = error.response
    metadata, fields = response.get("ResponseMetadata", {}), response.get("Error", {})
    request_id = str(metadata.get("RequestId", ""))
    parts = [str(fields.get("Code", "")), str(status_of(error)), error.operation_name]
    if _NAME.fullmatch(request_id):
        parts.append(f"request {request_id}")
    return " ".join(part for part in parts if part)


@code_of.register
def _(error: BotoCoreError) -> str:
    """Return what the network says, if it is known: the message has the URL instead."""
    root = error.kwargs.get("error")
    if not isinstance(root, Exception):
        return ""
    while isinstance(root.__cause__, Exception):
        root = root.__cause__
    return describe_error(root)
