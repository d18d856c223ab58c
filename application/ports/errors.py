"""The errors that ports raise, whatever technology is behind them.

ConfigurationError              while an adapter is opened
├── DatabaseLocked              another process has the lock; repeating may help
├── DatabaseMissing             the server has no database of this name
└── OtherKeys                   the database was written with other keys
PortError                       afterwards
├── StorageError                the database did not complete an operation; repeating may help
│   ├── StorageUnavailable      it does not answer, or rejected the operation
│   ├── OperationRejected       it rejected the operation because of its values or records
│   ├── StorageTimeout          it did not answer in time; a write may have been done
│   ├── StorageOverloaded       too many calls wait for it, and it answers others
│   └── ConcurrencyConflict     too many concurrent changes of one record
├── CorruptRecord               a stored record cannot be read; repeating does not help
├── UniqueViolation             another identity has this username or external id
├── MediaStorageUnavailable     the media store does not answer; repeating may help
│   └── MediaFileRejected       it rejected the operation
│       └── MediaStorageFull    it has no space for the file
├── ImageDecoderUnavailable     an image was not decoded, for no fault of it; repeating may help
├── MessengerUnavailable        the messenger would not accept a message now
├── CallProviderUnavailable     the call provider does not answer, or rejected a request
├── RecordingNotFound           the call provider has no such recording (any more)
├── ExtensionFailed             an extension raised something, or did not answer in time
└── InvalidToken                an access token that is not ours, or expired

The text of a PortError is for the operators' log. It names the cause and never has a phone
number, a code, a token or a body.
"""

from typing import Final


class ConfigurationError(Exception):
    """An adapter cannot be opened as configured: one sentence with the reason and the fix.

    The text is for the operator and has no secret.
    """


class DatabaseLocked(ConfigurationError):
    """Another process has had the lock of the database for too long. Repeating it may help."""


class DatabaseMissing(ConfigurationError):
    """The server has no database of this name."""


class OtherKeys(ConfigurationError):
    """The database was written with other keys. Repairing the keys helps."""


class PortError(Exception):
    """Base class of the errors of open adapters.

    Attributes:
        reason: The text without the details: clients see it in the health checks.
    """

    def __init__(self, reason: str = "", details: str = "") -> None:
        """Take the reason, and what only operators see of the cause."""
        super().__init__(f"{reason}: {details}" if details else reason)
        self.reason = reason
        self.details = details


class StorageError(PortError):
    """The database did not complete an operation. Repeating it later may help."""


class StorageUnavailable(StorageError):
    """The database does not answer, or rejected the operation."""


class OperationRejected(StorageError):
    """The database rejected the operation because of its values or records.

    Nothing was done. Operations on other records work.
    """


class StorageTimeout(StorageError):
    """The database did not answer in time. A write may have been done or not.

    Only operations whose repetition is harmless may be repeated.
    """


class StorageOverloaded(StorageError):
    """Too many calls of this process wait for the database, which answers others.

    It is no failure of the database: it says nothing about it. A write was mostly not sent, but may
    have been done.
    """


class ConcurrencyConflict(StorageError):
    """A record was changed by others each time, more often than an update retries."""


class CorruptRecord(PortError):
    """A stored record cannot be read: damaged, or encrypted with a key that is not available."""

    def of_record(self, record_id: str) -> "CorruptRecord":
        """Return the error with the id of the record in its details."""
        return CorruptRecord(self.reason, ", ".join(filter(None, (record_id, self.details))))


ERRORS_OF_RECORDS: Final = (CorruptRecord, OperationRejected)
"""Errors of one record or value. The database does its work, and nothing was changed."""


class UniqueViolation(PortError):
    """Another identity has this username or external id; nothing was written."""


class MediaStorageUnavailable(PortError):
    """The media store does not answer, or did not complete an operation."""


class MediaFileRejected(MediaStorageUnavailable):
    """The media store rejected the operation, for example because of its permissions."""


class MediaStorageFull(MediaFileRejected):
    """The media store has no space for the file."""


class ImageDecoderUnavailable(PortError):
    """An image was not decoded, for no fault of it: the machine is busy, or has no memory left."""


class MessengerUnavailable(PortError):
    """The messenger would not accept a message now."""


class CallProviderUnavailable(PortError):
    """The call provider does not answer, or rejected a request. Repeating it later may help."""


class RecordingNotFound(PortError):
    """The call provider has no such recording, or has it no more."""


class ExtensionFailed(PortError):
    """An extension raised something, did not answer in time, or returned something else."""


class InvalidToken(PortError):
    """The access token is not one of ours, or it has expired."""
