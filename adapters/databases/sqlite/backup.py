"""Backups of the database file, and restoring them, with SQLite's backup API.

`VACUUM INTO` takes longer and shows no progress. A file is restored only if its schema is this
program's: a trigger would stay in the database.
"""

import dataclasses
import errno
import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.databases.sqlite.database import is_present
from adapters.databases.sqlite.errors import SQLITE_ERRORS, is_interrupted, to_startup_error
from adapters.databases.sqlite.schema import APPLICATION_ID, check_schema, complete_schema
from application.ports.errors import ConfigurationError

PAGES_PER_LOG_LINE: Final = 65536
"""256 MiB, if pages have SQLite's default size."""
_HEADER: Final = b"SQLite format 3\0" + APPLICATION_ID.to_bytes(4)
_SIZE: Final = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
# https://www.sqlite.org/fileformat.html#the_lock_byte_page: SQLite locks 512 bytes from here on,
# which hold no data. A connection in WAL mode locks one of them until it is closed.
_SQLITE_LOCK: Final = 0x40000000
_OWN_LOCK: Final = _SQLITE_LOCK + 512
_NOT_CREATED: Final = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS}
_NOT_WRITABLE: Final = (
    "{folder} cannot be written: let the user of this command create files in it, or name another "
    "folder."
)

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """A complete and checked copy.

    Attributes:
        unknown_object: Its first object that is not of the schema; `restore_database` refuses it
            then.
        may_lack_log: Whether another program copied it without the log that it may have had.
    """

    path: Path
    size_bytes: int
    identity_count: int
    key_fingerprint: str
    unknown_object: str | None = None
    may_lack_log: bool = False
    kept_at: Path | None = None


def back_up_database(
    path: Path, target: Path, *, replace: bool = False, full_check: bool = False
) -> DatabaseCopy:
    """Copy the database to another file. Services may run.

    `full_check` also compares the indexes with the tables, which may take minutes.
    """
    # Links in its folders are followed, the last one is not: a rename would replace it.
    path, target = path.resolve(), target.parent.resolve() / target.name
    with _naming(target):
        _check_target(target, path, replace=replace)
    with _new_copy(path, "mode=rw", target, full_check) as copy:
        # Again, because it may have been written meanwhile.
        _check_target(target, path, replace=replace)
    return dataclasses.replace(copy, path=target)


def restore_database(
    path: Path, backup: Path, now: datetime, *, full_check: bool = False
) -> DatabaseCopy:
    """Replace the database by a copy of the backup. No service may run.

    The database may be missing or damaged. `now` is in the name under which the old one is kept.
    `full_check` is that of `back_up_database`.
    """
    path, backup = path.resolve(), backup.resolve()
    with _naming(backup):
        is_file = backup.is_file()
    _require(is_file, f"{backup} is no file: name a file that `dialtone backup` wrote.")
    with _naming(path):
        has_database = is_present(path)
        is_same = has_database and path.samefile(backup)
    _require(not is_same, f"{backup} is the database itself: name a backup.")
    # No process changes a file without a log, and its folder may be read-only.
    options = "mode=ro" if any(file.exists() for file in _files_of(backup)[1:3]) else "immutable=1"
    may_lack_log = options == "immutable=1" and _read_header(backup)[18:19] == b"\2"
    with _naming(path), suppress(*SQLITE_ERRORS):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _connect(path) as database:
            # Moves the log into the file, unless the file is damaged or in use.
            database.execute("PRAGMA wal_checkpoint")
    in_use = f"{path} is in use: stop all instances of the service and all other commands first."
    lock = _lock(path, in_use, first_byte=_SQLITE_LOCK) if has_database else nullcontext()
    with lock, _new_copy(backup, options, path, full_check) as copy:
        error = f"{backup} has the unknown {copy.unknown_object!r}: drop it, or name another file."
        _require(copy.unknown_object is None, error)
        _require(path.exists() == has_database, in_use)
        if os.geteuid() == 0:
            owner = (path if has_database else path.parent).stat()
            os.chown(copy.path, owner.st_uid, owner.st_gid)
        kept_at = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%S%fZ}")
        for file, kept in zip(_files_of(path), _files_of(kept_at), strict=True):
            with suppress(FileNotFoundError):
                # The path keeps a database until the end: no start creates an empty one.
                (os.link if file == path else os.rename)(file, kept)
    old = kept_at if has_database else None
    return dataclasses.replace(copy, path=path, may_lack_log=may_lack_log, kept_at=old)


def has_identities(path: Path) -> bool:
    """Return whether anybody has ever signed in, according to this database."""
    with _naming(path), _connect(path.resolve()) as connection:
        return bool(connection.execute("SELECT EXISTS (SELECT 1 FROM identities)").fetchone()[0])


def _check_target(target: Path, path: Path, *, replace: bool) -> None:
    _require(target.parent.is_dir(), f"{target.parent} is no folder: create it first.")
    _require(not target.is_dir(), f"{target} is a folder: name a file in it.")
    is_database = target in _files_of(path) or (target.exists() and target.samefile(path))
    _require(not is_database, f"{target} is the database itself: name another file.")
    # SQLite would read it as a part of the backup.
    has_log = any(os.path.lexists(file) for file in _files_of(target)[1:])
    _require(not has_log, f"{target} may be a database in use: it has a log. Name another file.")
    is_new = not os.path.lexists(target)
    _require(is_new or replace, f"{target} exists: name another file, or use --replace.")
    header = _read_header(target) if target.is_file() and not target.is_symlink() else b"-"
    is_backup = header[:16] + header[68:] in (b"", _HEADER)
    _require(is_new or is_backup, f"{target} is no backup of Dialtone: name another file.")


def _read_header(path: Path) -> bytes:
    """Return the start of a file: https://www.sqlite.org/fileformat.html#the_database_header."""
    with _naming(path), path.open("rb") as file:
        return file.read(72)


@contextmanager
def _new_copy(path: Path, options: str, target: Path, full_check: bool) -> Iterator[DatabaseCopy]:
    """Copy a database to a file beside the target, which gets the target's name at the end.

    Its first name is always the same: the next copy replaces what a killed one has left.
    """
    partial = target.with_name(f".{target.name}.partial")
    in_use = f"Another command writes {partial}: wait until it has finished."
    if os.path.lexists(partial):
        with _lock(partial, in_use):
            partial.unlink()
    # Closing the connection drops the lock.
    with _lock(partial, in_use, os.O_CREAT | os.O_EXCL) as descriptor, _connect(partial) as copy:
        with ExitStack() as cleanup:
            cleanup.callback(partial.unlink, missing_ok=True)
            with _naming(path):
                _copy(path, options, target, copy)
                checked = _check(path, partial, copy, full_check)
            yield checked
            os.fsync(descriptor)
            partial.replace(target)
            cleanup.pop_all()
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _copy(path: Path, options: str, target: Path, copy: sqlite3.Connection) -> None:

    def log_progress(_: int, remaining: int, total: int) -> None:
        if remaining and (total - remaining) % PAGES_PER_LOG_LINE == 0:
            percent = 100 * (total - remaining) // total
            _log.info({"event": "database_pages_copied", "file": str(path), "percent": percent})

    with _connect(path, options) as source:
        # The transaction is the snapshot: without it each commit would begin the copy again.
        source.execute("BEGIN")
        (size,), free = source.execute(_SIZE).fetchone(), shutil.disk_usage(target.parent).free
        _require(size <= free, f"Free some space in {target.parent}: {size:,} bytes are needed.")
        with _naming(target):
            # Exclusive: SQLite would drop the lock of `_new_copy` together with its own.
            copy.executescript("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF")
            source.backup(copy, pages=256, progress=log_progress)
            # From WAL: a reader needs neither a log nor a folder that it can write to.
            copy.execute("PRAGMA journal_mode = MEMORY")


def _check(path: Path, file: Path, copy: sqlite3.Connection, full_check: bool) -> DatabaseCopy:
    _log.info({"event": "database_check_started", "file": str(path)})
    # Calls Python now and then, so that Ctrl-C has an effect.
    copy.set_progress_handler(lambda: 0, 100_000)
    result = copy.execute(f"PRAGMA {'integrity' if full_check else 'quick'}_check(1)").fetchone()
    _require(result == ("ok",), f"{path} is damaged: use an earlier backup.")
    metadata = check_schema(copy, path, None, is_copy=True)
    if metadata is None:
        raise ConfigurationError(f"{path} is no database of Dialtone: name another file.")
    unknown = complete_schema(copy, path)
    (count,) = copy.execute("SELECT count(*) FROM identities").fetchone()
    return DatabaseCopy(file, file.stat().st_size, count, metadata.key_fingerprint, unknown)


@contextmanager
def _lock(path: Path, in_use: str, flags: int = 0, first_byte: int = _OWN_LOCK) -> Iterator[int]:
    """Lock the file until the end, or until another descriptor of it is closed.

    `in_use` is the error if another process has locked it. `first_byte` is the first of the 512
    bytes to lock.
    """
    with _naming(path), ExitStack() as stack:
        try:
            file = stack.enter_context(os.fdopen(os.open(path, os.O_RDWR | flags, 0o600), "rb"))
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 512, first_byte)
            # It may have been renamed or removed before the lock.
            _require(os.path.samestat(os.fstat(file.fileno()), path.lstat()), in_use)
        except (BlockingIOError, FileExistsError):
            raise ConfigurationError(in_use) from None
        except OSError as error:
            if flags and error.errno in _NOT_CREATED:
                raise ConfigurationError(_NOT_WRITABLE.format(folder=path.parent)) from None
            if isinstance(error, FileNotFoundError):
                raise ConfigurationError(in_use) from None
            raise
        yield file.fileno()


def _files_of(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-journal", "-shm")]


def _connect(path: Path, options: str = "mode=rw") -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{path.as_uri()}?{options}", uri=True, isolation_level=None))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except (*SQLITE_ERRORS, OSError) as error:
        is_stopped = not isinstance(error, OSError) and is_interrupted(error)
        raise (KeyboardInterrupt() if is_stopped else to_startup_error(path, error)) from error


def _require(is_fulfilled: bool, error: str) -> None:
    if not is_fulfilled:
        raise ConfigurationError(error)
