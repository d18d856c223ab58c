"""What goes wrong with a database: at open for the operator, afterwards for the log.

DatabaseNotUsable          at open; one sentence with the way out
StorageUnavailable           afterwards (application.ports.errors)
└── NotUnique              a unique index refused the write
    └── BulkStopped        the same in the middle of a bulk

No text quotes the driver: its own hold addresses with passwords, and values of documents.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)
from pymongo.errors import ConfigurationError as MongoConfigurationError

from application.ports.errors import ConfigurationError, StorageUnavailable

DRIVER_ERRORS: Final = (PyMongoError, BSONError)

_SILENT: Final = (
    "{place} has no server that answers and takes writes: start MongoDB there, or correct hosts "
    "and options of the address."
)
_NOT_THERE: Final = (
    "{place} cannot be found by that name, or its MongoDB is too old for the driver: correct the "
    "address, or start a newer one."
)
_REFUSED: Final = (
    "{place} refuses the user or the password: correct them in the address, with %-escapes "
    "for what is neither letter nor digit."
)
_NOT_ALLOWED: Final = (
    "{place} does not let this user read and write: grant it readWrite on that database, "
    "or name another user in the address."
)
_UNFORESEEN: Final = "{place} cannot be opened ({cause}): look into the log of MongoDB."

# Numbers from MongoDB's error_codes.yml; 8000 is what Atlas answers.
_WAYS_OUT: Final = {
    18: _REFUSED,  # AuthenticationFailed
    11: _REFUSED,  # UserNotFound
    8000: _REFUSED,
    13: _NOT_ALLOWED,  # Unauthorized
}


class DatabaseNotUsable(ConfigurationError):
    """What the address names cannot be this service's database; the text says what to do."""


class NotUnique(StorageUnavailable):
    """Another document has what only one may have; nothing was written."""

    def __init__(self, cause: str, fields: Iterable[str]) -> None:
        super().__init__(cause)
        self.fields = frozenset(fields)
        """Those of the index that refused."""


class BulkStopped(NotUnique):
    """An `_id` that is taken stopped an ordered bulk; the `done` writes before it count."""

    def __init__(self, cause: str, fields: Iterable[str], done: int) -> None:
        super().__init__(cause, fields)
        self.done = done


def at_open(place: str, error: Exception) -> DatabaseNotUsable:
    """Put the error into words for the operator; `place` is the address without its user."""
    match error:
        case ConnectionFailure():
            sentence = _SILENT
        case MongoConfigurationError():
            sentence = _NOT_THERE
        case OperationFailure(code=code):
            sentence = _WAYS_OUT.get(code or 0, _UNFORESEEN)
        case _:
            sentence = _UNFORESEEN
    return DatabaseNotUsable(sentence.format(place=place, cause=_cause(error)))


@contextmanager
def told_to_the_operator(place: str) -> Iterator[None]:
    """Turn what the driver raises in the block into DatabaseNotUsable."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise at_open(place, error) from None


def at_run_time(error: Exception) -> StorageUnavailable:
    """Put the error into words that hold no value of a document, whatever the driver says."""
    if isinstance(error, DuplicateKeyError):
        return NotUnique(_cause(error), (error.details or {}).get("keyPattern", {}))
    if isinstance(error, BulkWriteError):
        return _stopped(error)
    return StorageUnavailable(_cause(error))


def _stopped(error: BulkWriteError) -> StorageUnavailable:
    match error.details:
        case {"writeErrors": [{"code": 11000, "index": int(done)}], "writeConcernErrors": []}:
            return BulkStopped(_cause(error), ["_id"], done)
        case _:
            return StorageUnavailable(_cause(error))


def _cause(error: Exception) -> str:
    code = getattr(error, "code", None)
    name = type(error).__name__
    return f"{name} {code}" if isinstance(code, int) else name
