"""Errors of SQLite as errors of the ports."""

import errno
import fcntl
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, TypeAlias

from adapters.shared.causes import code_of
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    DatabaseLocked,
    OperationRejected,
    PortError,
    StorageUnavailable,
    UniqueViolation,
)

SQLITE_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""Errors of the module. SQLite's message about a damaged schema quotes it: it may be no UTF-8."""
SqliteError: TypeAlias = sqlite3.Error | UnicodeDecodeError

FILE_GONE: Final = "the database file was moved or removed"
_CAUSES: Final = {
    "SQLITE_IOERR_FSTAT": FILE_GONE,
    "SQLITE_READONLY_DBMOVED": FILE_GONE,
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR_SHMSIZE": "the disk is full",
    "SQLITE_READONLY": "the file is read-only",
    "SQLITE_BUSY": "locked by another process for too long",
    "SQLITE_LOCKED": "locked by another process for too long",
}
_REJECTIONS: Final = {
    "SQLITE_TOOBIG": "a text is too long",
    "SQLITE_IOERR_READ": "a page of the file cannot be read",
    "SQLITE_IOERR_CORRUPTFS": "a page of the file cannot be read",
}
"""Errors of some records or values: others can be read and written."""
_DISK_FULL: Final = "The disk that holds {path} is full: free some space and start again."
_NOT_WRITABLE: Final = (
    "{path} cannot be written: let the service's user write this file and its folder, "
    "or name another file."
)
_NO_FOLDER: Final = (
    "{path} cannot be created, because a file is in the place of a folder: name another file."
)
NOT_LOCAL: Final = (
    "{path} must be on a local disk, because this file system has no locks or no shared memory: "
    "name another file."
)
_SOLUTIONS: Final = {
    "SQLITE_NOTADB": "{path} is no SQLite database: move it away, or name another file.",
    "SQLITE_CORRUPT": "{path} is damaged ({code}): restore a backup, or name another file.",
    # Our statements are valid for each schema that is not damaged.
    "SQLITE_ERROR": "{path} is damaged ({code}): restore a backup, or name another file.",
    "SQLITE_BUSY": "{path} is locked by another process: stop that process and start again.",
    "SQLITE_PROTOCOL": NOT_LOCAL,
    "SQLITE_IOERR_LOCK": NOT_LOCAL,
    "SQLITE_IOERR_RDLOCK": NOT_LOCAL,
    "SQLITE_IOERR_UNLOCK": NOT_LOCAL,
    "SQLITE_IOERR_CHECKRESERVEDLOCK": NOT_LOCAL,
    "SQLITE_IOERR_SHMLOCK": NOT_LOCAL,
    "SQLITE_IOERR_SHMMAP": NOT_LOCAL,
    "SQLITE_FULL": _DISK_FULL,
    "SQLITE_IOERR_SHMSIZE": _DISK_FULL,
    "ENOSPC": _DISK_FULL,
    "EDQUOT": _DISK_FULL,
    "SQLITE_READONLY": _NOT_WRITABLE,
    "SQLITE_CANTOPEN": _NOT_WRITABLE,
    "SQLITE_PERM": _NOT_WRITABLE,
    "EACCES": _NOT_WRITABLE,
    "EPERM": _NOT_WRITABLE,
    "EROFS": _NOT_WRITABLE,
    "ENOTDIR": _NO_FOLDER,
    "EEXIST": _NO_FOLDER,
}
_UNKNOWN: Final = "{path} cannot be opened ({code}): check the disk, or name another file."


def to_startup_error(path: Path, error: SqliteError | OSError) -> ConfigurationError:
    """Return the error with a message for the operator: the cause and a solution."""
    code = "SQLITE_CORRUPT" if _is_no_utf8_column(error) else _code(error)
    if _primary_code(code) == "SQLITE_BUSY":
        # SQLite takes the error of a network file system without locks for a lock of another
        # process, and a start would wait for it without end.
        if not _has_locks(path.parent):
            return ConfigurationError(NOT_LOCAL.format(path=path))
        kind: type[ConfigurationError] = DatabaseLocked
    else:
        kind = ConfigurationError
    text = _find(_SOLUTIONS, code) or _UNKNOWN
    return kind(text.format(path=path, code=code))


def _has_locks(folder: Path) -> bool:
    try:
        with TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
    return True


def to_port_error(error: SqliteError) -> PortError:
    """Return the error as the port's own, with a message that contains no value of a row."""
    code = _code(error)
    if code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
        return UniqueViolation(code)
    if _primary_code(code) in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return CorruptRecord("the database file is damaged", code)
    if _is_no_utf8_column(error):
        return CorruptRecord("a column is not UTF-8")
    if code in _REJECTIONS:
        return OperationRejected(_REJECTIONS[code], code)
    if reason := _find(_CAUSES, code):
        return StorageUnavailable(reason, code)
    return StorageUnavailable(code)


def is_busy(error: SqliteError) -> bool:
    """Return whether another connection holds the lock."""
    return _primary_code(_code(error)) == "SQLITE_BUSY"


def is_interrupted(error: SqliteError) -> bool:
    """Return whether a progress handler ended the statement, as Ctrl-C does."""
    return _code(error) == "SQLITE_INTERRUPT"


def _code(error: SqliteError | OSError) -> str:
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    if isinstance(error, UnicodeDecodeError):
        return "SQLITE_CORRUPT"
    # Errors that the module raises itself (ProgrammingError) have no code of SQLite.
    code: str = getattr(error, "sqlite_errorname", type(error).__name__)
    return code


def _is_no_utf8_column(error: Exception) -> bool:
    # The module's own error, which has no code; its message quotes the column.
    return str(error).startswith("Could not decode to UTF-8")


def _primary_code(code: str) -> str:
    return "_".join(code.split("_")[:2])


def _find(messages: Mapping[str, str], code: str) -> str | None:
    return messages.get(code) or messages.get(_primary_code(code))


@code_of.register
def _(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "")
