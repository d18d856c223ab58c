"""What goes wrong with a database file: at open for the operator, afterwards for the log.

DatabaseNotUsable          at open; one sentence with the way out
StorageUnavailable           afterwards (application.ports.errors)
└── NotUnique              a unique index refused the write
"""

import errno
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from application.ports.errors import ConfigurationError, StorageUnavailable

GONE = "the database file was moved or removed"
_CAUSES = {
    "SQLITE_IOERR_FSTAT": GONE,
    "SQLITE_READONLY_DBMOVED": GONE,
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR_SHMSIZE": "the disk is full",
    "SQLITE_READONLY": "the file is read-only",
    "SQLITE_BUSY": "locked by another process for too long",
    "SQLITE_LOCKED": "locked by another process for too long",
}
_FULL = "The disk that holds {path} is full: free some space and start again."
_NOT_WRITABLE = (
    "{path} cannot be written: let the service's user write this file and its folder, "
    "or name another file."
)
_NO_FOLDER = "{path} cannot be made, as a file is in the place of a folder: name another file."
_WAYS_OUT = {
    "SQLITE_NOTADB": "{path} is no SQLite database: move it away, or name another file.",
    "SQLITE_CORRUPT": "{path} is damaged: put a good copy back, or name another file.",
    "SQLITE_BUSY": "{path} is locked by another process: stop that one and start again.",
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR_SHMSIZE": _FULL,
    "ENOSPC": _FULL,
    "EDQUOT": _FULL,
    "SQLITE_READONLY": _NOT_WRITABLE,
    "SQLITE_CANTOPEN": _NOT_WRITABLE,
    "SQLITE_PERM": _NOT_WRITABLE,
    "EACCES": _NOT_WRITABLE,
    "EPERM": _NOT_WRITABLE,
    "EROFS": _NOT_WRITABLE,
    "ENOTDIR": _NO_FOLDER,
    "EEXIST": _NO_FOLDER,
}
_UNFORESEEN = "{path} cannot be opened ({name}): check the disk, or name another file."


class DatabaseNotUsable(ConfigurationError):
    """The file cannot be this service's database; the text says why and what to do."""


class NotUnique(StorageUnavailable):
    """Another row has what only one may have; nothing was written."""


def at_open(path: Path, error: sqlite3.Error | OSError) -> DatabaseNotUsable:
    """Put the error into words for the operator."""
    sentence = _found(_WAYS_OUT, error) or _UNFORESEEN
    return DatabaseNotUsable(sentence.format(path=path, name=_name(error)))


def at_run_time(error: sqlite3.Error) -> StorageUnavailable:
    """Put the error into words that hold no value of a row, whatever SQLite says."""
    name = _name(error)
    if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
        return NotUnique(name)
    return StorageUnavailable(_found(_CAUSES, error) or name)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds what was needed."""
    return _family(_name(error)) == "SQLITE_BUSY"


def _name(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    # Errors that the module finds by itself (ProgrammingError) have no name of SQLite's.
    name: str = getattr(error, "sqlite_errorname", type(error).__name__)
    return name


def _family(name: str) -> str:
    """The name without what extended codes add: SQLITE_BUSY of SQLITE_BUSY_RECOVERY."""
    return "_".join(name.split("_")[:2])


def _found(texts: Mapping[str, str], error: sqlite3.Error | OSError) -> str | None:
    name = _name(error)
    return texts.get(name) or texts.get(_family(name))
