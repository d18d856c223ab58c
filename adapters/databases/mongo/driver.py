"""The driver: URL, client and errors.

The driver's messages hold URLs with passwords and values of documents, so the log has their codes.
"""

import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError, InvalidBSON
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)
from pymongo.errors import ConfigurationError as MongoConfigurationError
from pymongo.monitoring import CommandListener, ServerHeartbeatListener
from pymongo.read_concern import ReadConcern

from adapters.databases.mongo.url_problems import (
    explain_rejection,
    find_file_problem,
    options_of,
    uses_x509,
)
from adapters.shared.causes import code_of, describe_error, system_code_in
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    OperationRejected,
    PortError,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)

RawDocument = dict[str, Any]
MotorClient = AsyncIOMotorClient[RawDocument]
MotorCollection = AsyncIOMotorCollection[RawDocument]
MotorDatabase = AsyncIOMotorDatabase[RawDocument]

DEFAULT_TIMEOUT: Final = 4.5
"""Seconds for one call, with all retries of the driver.

If a thousand requests time out at once, the last of them has its response within six seconds, also
on a machine with other work.
"""
CLOSE_TIMEOUT: Final = 2.0

DRIVER_ERRORS: Final = (PyMongoError, BSONError)
_UNSENT: Final = (ServerSelectionTimeoutError, WaitQueueTimeoutError)
"""Timeouts without a server or a connection."""
_NOTHING_DONE: Final = (*_UNSENT, NotPrimaryError)
"""The same, and the error of a server that rejects a call because it is no primary."""

_log = logging.getLogger(__name__)

_EXAMPLE: Final = "mongodb://host/dialtone"
# The part before the last @ is secret. The part after the ? must not hold another @, which an
# unescaped ? in a password would bring there.
_URL: Final = re.compile(
    r"mongodb(?:\+srv)?://(?:[^/?@]*@)?(?P<hosts>[^/?@]+)(?:/(?P<name>[^/?@]*))?(?:\?(?P<options>[^@]*))?"
)
_INVALID_URL: Final = (
    f"The URL of the database is not of the form {_EXAMPLE}: correct it, and escape all characters "
    "of user and password with % that are neither letters nor digits."
)
_NO_NAME: Final = (
    f"The URL of {{hosts}} names no database: write its name at the end, like {_EXAMPLE}."
)
_INVALID_OPTIONS: Final = (
    "The driver rejects the URL of {location}: correct user, password, hosts and options "
    "({options})."
)
_UNUSABLE: Final = "{location} cannot be used, because {problem}."
_NOT_REACHED: Final = "{location} cannot be reached, because {problem}."

# Options of the URL override these, except 0, which would wait forever.
_DEFAULTS: Final[dict[str, Any]] = {
    "appname": "dialtone",
    "timeoutms": int(DEFAULT_TIMEOUT * 1000),
    "connecttimeoutms": int(DEFAULT_TIMEOUT * 1000),
}
# These override the URL: with fewer acknowledgements a write may be lost after its response, and a
# secondary may return outdated documents.
_WRITE_CONCERN: Final = WriteConcern(w="majority", j=True)
_READ_PREFERENCE: Final = ReadPreference.PRIMARY
_CODEC_OPTIONS: Final = CodecOptions[RawDocument](
    tz_aware=True,
    # A date that Python does not have must not fail the documents that come with it.
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
_OVERRIDDEN: Final = {
    "w": "majority",
    "journal": "true",
    "readpreference": "primary",
    "readconcernlevel": "majority",
    # The driver ignores these if it has a timeout for the whole call.
    "serverselectiontimeoutms": "timeoutMS",
    "sockettimeoutms": "timeoutMS",
    "waitqueuetimeoutms": "timeoutMS",
    "wtimeoutms": "timeoutMS",
}

_NO_SERVER: Final = (
    "{location} has no server that accepts writes: start MongoDB there, or correct hosts and "
    "options of the URL ({cause})."
)
_NOT_FOUND: Final = (
    "{location} cannot be resolved: correct the host in the URL, or the DNS of this machine."
)
_WRONG_RECORDS: Final = (
    "{location} cannot be used, because the driver rejects the URL, or the SRV and TXT records of "
    "its host: correct them."
)
_WRONG_CREDENTIALS: Final = (
    "{location} rejects the user or the password: correct them in the URL, name the database that "
    "has the user with authSource, and escape all characters with % that are neither letters nor "
    "digits."
)
_NO_USER_OF_CERTIFICATE: Final = (
    "{location} has no user for the client certificate: create one in $external, with readWrite on "
    "that database, whose name is what `openssl x509 -noout -subject -nameopt RFC2253` says of the "
    "certificate, and drop a user from the URL."
)
_NO_MECHANISM: Final = (
    "{location} does not accept the authMechanism of the URL: write another one, or name it in "
    "authenticationMechanisms of MongoDB."
)
_NOT_ALLOWED: Final = (
    "{location} does not let this user read and write: grant it readWrite on that database, or "
    "name another user in the URL."
)
_UNEXPECTED: Final = "{location} cannot be opened ({cause}): look into the log of MongoDB."

# Codes of MongoDB's error_codes.yml; 8000 is Atlas' own.
_DAMAGED: Final = (22, 301)
"""InvalidBSON and DataCorruptionDetected."""
_REJECTED: Final = (14, 15, 28, 121, 10334, 17280, 17419, 17420)
"""Errors of some documents or values. TypeMismatch, Overflow, PathNotViable, a validator of the
operator, BSONObjectTooLarge, a key that is too long, a document that an update makes too large."""
NOT_AUTHORIZED: Final = 13
_UNAUTHENTICATED: Final = (11, 18, 8000)
"""UserNotFound, AuthenticationFailed, and both of Atlas."""
_MESSAGES: Final = {
    **dict.fromkeys(_UNAUTHENTICATED, _WRONG_CREDENTIALS),
    NOT_AUTHORIZED: _NOT_ALLOWED,
    334: _NO_MECHANISM,  # MechanismUnavailable
}
_NAMES: Final = {
    14: "TypeMismatch",
    15: "Overflow",
    28: "PathNotViable",
    50: "MaxTimeMSExpired",
    61: "ShardKeyNotFound",
    64: "WriteConcernTimeout",
    66: "ImmutableField",
    91: "ShutdownInProgress",
    112: "WriteConflict",
    121: "DocumentValidationFailure",
    189: "PrimarySteppedDown",
    10107: "NotWritablePrimary",
    10334: "BSONObjectTooLarge",
    11000: "DuplicateKey",
    11600: "InterruptedAtShutdown",
    11602: "InterruptedDueToReplStateChange",
    14031: "OutOfDiskSpace",
    17280: "KeyTooLong",
}
"""Errors of single writes have no name. 61 is that of a collection with another shard key."""


class DuplicateKey(UniqueViolation):
    """Another document has the same value of a unique index; nothing was written."""

    def __init__(self, reason: str, fields: Iterable[str]) -> None:
        super().__init__(reason)
        self.fields = frozenset(fields)


class BulkWriteStopped(StorageUnavailable):
    """An update that found no document, and inserted none, stopped an ordered bulk write."""

    def __init__(self, reason: str, written_count: int) -> None:
        super().__init__(reason)
        self.written_count = written_count


class WritesRejected(StorageUnavailable):
    """Some updates of an unordered bulk write were rejected; the others are done."""

    def __init__(self, reason: str, positions: Iterable[int]) -> None:
        super().__init__(reason)
        self.positions = frozenset(positions)


def location_of(url: str) -> str:
    """Return hosts and name of the database, without secrets.

    Raises:
        ConfigurationError: the URL is invalid, or names no database.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ConfigurationError(_INVALID_URL)
    hosts, name = match["hosts"], match["name"]
    if not name:
        raise ConfigurationError(_NO_NAME.format(hosts=hosts))
    return f"{hosts}/{name}"


def make_client(
    url: str, location: str, listeners: Sequence[CommandListener | ServerHeartbeatListener] = ()
) -> MotorClient:
    """Make the client; it connects when it is first used.

    Raises:
        ConfigurationError: the driver rejects the URL.
    """
    options = options_of(url)
    for option, used in _OVERRIDDEN.items():
        if options.get(option, used) != used:
            _log.warning({"event": "mongo_option_ignored", "option": option, "used": used})
    defaults = {name: value for name, value in _DEFAULTS.items() if options.get(name, "0") == "0"}
    # First: the driver would wait for the writer of a pipe, or ask the terminal for a password.
    if problem := find_file_problem(url):
        raise ConfigurationError(_UNUSABLE.format(location=location, problem=problem))
    try:
        with warnings.catch_warnings():
            # The driver ignores an option that it does not understand.
            warnings.simplefilter("error", UserWarning)
            return AsyncIOMotorClient(url, **defaults, event_listeners=list(listeners))
    except (PyMongoError, OSError, ValueError, UserWarning) as error:
        problem, names = explain_rejection(error), ", ".join(options) or "none"
        text = _UNUSABLE if problem else _INVALID_OPTIONS
        raise ConfigurationError(
            text.format(location=location, problem=problem, options=names)
        ) from None


def database_of(client: MotorClient) -> MotorDatabase:
    """Return the database that the URL names, for durable writes and durable reads."""
    return client.get_default_database().with_options(
        codec_options=_CODEC_OPTIONS,
        read_preference=_READ_PREFERENCE,
        write_concern=_WRITE_CONCERN,
        read_concern=ReadConcern("majority"),
    )


def latest(collection: MotorCollection) -> MotorCollection:
    """Return the collection for reads of what the primary has at this moment.

    A compare and swap needs that: the version that a majority has may be older, and a request that
    lost a swap would load the same version again and lose again.
    """
    return collection.with_options(read_concern=ReadConcern("local"))


def timeout_seconds_of(client: MotorClient) -> float:
    """Return the timeout of a call, with all retries of the driver."""
    return client.delegate.options.timeout or DEFAULT_TIMEOUT


def pool_size_of(client: MotorClient) -> int:
    """Return how many connections the driver has to a server; 0 for any number."""
    size: int = client.delegate.options.pool_options.max_pool_size
    return size


def close_client(client: MotorClient) -> None:
    """Close the client, with a timeout, since it ends its sessions at the server."""
    with pymongo.timeout(CLOSE_TIMEOUT):
        client.close()


@contextmanager
def errors_while_opening(
    location: str, url: str = "", find_problem: Callable[[], str | None] = lambda: None
) -> Iterator[None]:
    """Turn driver errors of the block into ConfigurationError."""
    try:
        yield
    # The driver raises ValueError for options that only the DNS records have.
    except (*DRIVER_ERRORS, ValueError) as error:
        problem: str | None = None
        match error:
            case ConnectionFailure():
                problem = find_problem()
                message = _NOT_REACHED if problem else _NO_SERVER
            case MongoConfigurationError() if not (problem := explain_rejection(error)):
                # The cause is an error of the resolver.
                message = _NOT_FOUND if error.__cause__ else _WRONG_RECORDS
            case ValueError() if not (problem := explain_rejection(error)):
                raise
            case MongoConfigurationError() | ValueError():
                message = _UNUSABLE
            case OperationFailure(code=code) if code in _UNAUTHENTICATED and uses_x509(url):
                message = _NO_USER_OF_CERTIFICATE
            case OperationFailure(code=code):
                message = _MESSAGES.get(code or 0, _UNEXPECTED)
            case _:
                message = _UNEXPECTED
        text = message.format(location=location, problem=problem, cause=describe_error(error))
        raise ConfigurationError(text) from None


def port_error(error: Exception, problem: str | None = None) -> PortError:
    """Return the error of the port for a driver error.

    A timeout of an operation that was sent is a `StorageTimeout`: a write may have been done. So is
    a connection that was lost, of which the driver does not say whether it was sent, and a write
    that only the primary is known to have.
    """
    reason = describe_error(error)
    match error:
        case DuplicateKeyError():
            fields = (error.details or {}).get("keyPattern", {})
            return DuplicateKey(reason, fields)
        case BulkWriteError(
            details={
                "writeErrors": [{"code": 11000, "index": int(done)}],
                "writeConcernErrors": [],
            }
        ):
            return BulkWriteStopped(reason, done)
        case BulkWriteError(details={"writeErrors": [_, *_] as rejected, "writeConcernErrors": []}):
            if all(one["code"] in _REJECTED for one in rejected):
                positions = (one["index"] for one in rejected)
                return WritesRejected(reason, positions)
            return StorageUnavailable(reason)
        case BulkWriteError(details={"writeConcernErrors": [_, *_]}):
            return StorageTimeout(reason)
        case InvalidBSON():
            return CorruptRecord(reason)
        case OperationFailure(code=code) if code in _DAMAGED:
            return CorruptRecord(reason)
        case OperationFailure(code=code) if code in _REJECTED:
            return OperationRejected(reason)
        case BSONError():
            # A value that cannot be encoded: nothing was sent.
            return OperationRejected(reason)
        case PyMongoError(timeout=True) if not isinstance(error, _UNSENT):
            return StorageTimeout(reason)
        case WriteConcernError():
            return StorageTimeout(reason)
        case AutoReconnect():
            is_known = isinstance(error, _NOTHING_DONE)
            unknown = StorageUnavailable if is_known else StorageTimeout
            return unknown(problem or reason)
        case _:
            return StorageUnavailable(reason)


@code_of.register
def _(error: OperationFailure | NotPrimaryError) -> str:
    details: Any = error.details or {}
    # The first of a bulk write is the one that stopped it.
    causes = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ()), details]
    code = causes[0].get("code", getattr(error, "code", None))
    name = causes[0].get("codeName") or _NAMES.get(code)
    return " ".join(str(part) for part in (code, name) if part)


@code_of.register
def _(error: ConnectionFailure) -> str:
    return system_code_in(error)
