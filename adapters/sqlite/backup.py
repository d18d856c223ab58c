"""Backups of the database file, and restoring them, with SQLite's backup API.

- A backup is one snapshot, whoever writes meanwhile, and one file: it has no log beside it.
- A file appears under its name when it is complete, checked and synced.
- The old database is kept when another one is restored.
"""

import fcntl
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.sqlite.errors import is_busy, is_interrupted, to_startup_error
from adapters.sqlite.migrations import APPLICATION_ID, MIGRATIONS
from application.ports.errors import ConfigurationError
from domain.values import dataclass

PAGES_PER_STEP: Final = 256
PROGRESS_INTERVAL: Final = 2.0
"""Seconds between two log lines."""
_LOG: Final = "-wal"
_COMPANIONS: Final = (_LOG, "-shm", "-journal")
"""What SQLite adds to the name of a database for files that belong to it."""
# https://www.sqlite.org/fileformat.html: the magic string at 0, the application id at 68.
_MAGIC: Final = b"SQLite format 3\0"
_HEADER_ID: Final = slice(68, 72)
# Offset 18, the version for writing: 2 for WAL.
_HEADER_WAL: Final = slice(18, 19)
# https://www.sqlite.org/fileformat.html#the_lock_byte_page: all locks are on these bytes. A
# connection in WAL mode holds one of them until it is closed.
_LOCK_BYTES: Final = (512, 0x40000000)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """A complete and checked copy.

    Attributes:
        path: Where it is.
        size_bytes: Its size.
        identity_count: The number of its identities.
        key_fingerprint: The fingerprint of the keys that it needs.
        may_lack_log: Whether another program copied it without the log that it may have had.
        kept_at: Where the database is that was there before.
    """

    path: Path
    size_bytes: int
    identity_count: int
    key_fingerprint: str
    may_lack_log: bool = False
    kept_at: Path | None = None


def back_up(path: Path, target: Path, *, replace: bool = False) -> DatabaseCopy:
    """Copy the database to another file. Services may run.

    Args:
        path: The database.
        target: The new file.
        replace: Replace an existing backup.

    Raises:
        ConfigurationError: No backup was written; an existing one is unchanged.
    """
    path = path.resolve()
    if not path.is_file():
        raise ConfigurationError(f"{path} does not exist: DIALTONE_DATABASE names no database.")
    if target.name in ("", ".", ".."):
        raise ConfigurationError(f"{target} is a folder: name a file in it.")
    # Links in its folders are followed, the last one is not: a rename would replace it.
    target = target.parent.resolve() / target.name
    _check_target(target, path, replace=replace)
    with _naming(path), _connect(path) as source, _open_partial(target) as partial:
        copy = _copy(source, path, partial)
        with _naming(target):
            os.fsync(partial.descriptor)
        # Again, because it may have been written meanwhile.
        _check_target(target, path, replace=replace)
        partial.publish()
        return copy


def restore(path: Path, backup: Path, now: datetime) -> DatabaseCopy:
    """Replace the database by a copy of the backup. No service may run.

    Args:
        path: The database; it may be missing or damaged.
        backup: The backup, which stays unchanged.
        now: The current time, for the name under which the old database is kept.

    Raises:
        ConfigurationError: The database is unchanged.
    """
    path, backup = path.resolve(), backup.resolve()
    _check_backup(backup, path)
    may_lack_log = _may_lack_log(backup)
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _lock_unused(path):
        pass  # Before the copy, which takes long.
    with (
        _naming(backup),
        _connect_to_backup(backup) as source,
        _open_partial(path) as partial,
    ):
        copy = _copy(source, backup, partial)
        with _naming(path), _lock_unused(path, move_log=True):
            _keep_owner(partial.descriptor, path)
            os.fsync(partial.descriptor)
            kept_at = _keep_aside(path, now)
            partial.publish()
    return DatabaseCopy(
        path, copy.size_bytes, copy.identity_count, copy.key_fingerprint, may_lack_log, kept_at
    )


def has_identities(path: Path) -> bool:
    """Return whether anybody has ever signed in, according to this database.

    Raises:
        ConfigurationError: It cannot be read.
    """
    path = path.resolve()
    with _naming(path), _connect(path) as connection:
        row = connection.execute("SELECT EXISTS (SELECT 1 FROM identities)").fetchone()
    return bool(row[0])


@dataclass(frozen=True, slots=True)
class _PartialFile:
    """A file beside its target that gets the target's name when it is complete."""

    descriptor: int
    connection: sqlite3.Connection
    path: Path
    target: Path

    def publish(self) -> None:
        with _naming(self.target):
            self.path.replace(self.target)
            folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _check_target(target: Path, path: Path, *, replace: bool) -> None:
    if not target.parent.is_dir():
        raise ConfigurationError(f"{target.parent} does not exist: create this folder first.")
    if target.is_dir():
        raise ConfigurationError(f"{target} is a folder: name a file in it.")
    if target == path or _is_same_file(target, path) or _is_companion_of(target, path):
        raise ConfigurationError(f"{target} is the database itself: name another file.")
    _check_no_companions(target)
    if not os.path.lexists(target):
        return
    if not replace:
        raise ConfigurationError(
            f"{target} exists: name another file, or replace it with --replace."
        )
    if target.is_symlink() or not target.is_file() or not _is_replaceable(target):
        raise ConfigurationError(
            f"{target} is no backup of Dialtone, so it is not replaced: name another file."
        )


def _check_no_companions(target: Path) -> None:
    for suffix in _COMPANIONS:
        companion = target.with_name(target.name + suffix)
        if os.path.lexists(companion):
            # SQLite would read it as a part of the backup.
            raise ConfigurationError(
                f"{companion} exists, so {target} may be a database in use: name another file."
            )


def _check_backup(backup: Path, path: Path) -> None:
    if not backup.is_file():
        reason = "is no file" if backup.exists() else "does not exist"
        raise ConfigurationError(f"{backup} {reason}: name a file that `dialtone backup` wrote.")
    if _is_same_file(backup, path):
        raise ConfigurationError(f"{backup} is the database itself: name a backup.")
    if not _has_dialtone_header(backup):
        raise ConfigurationError(
            f"{backup} is no database of Dialtone: name a file that `dialtone backup` wrote."
        )


def _copy(source: sqlite3.Connection, path: Path, partial: _PartialFile) -> DatabaseCopy:
    """Copy a snapshot of the source, and check the copy."""
    with _naming(path):
        # The transaction is the snapshot: without it each commit would begin the copy again.
        source.execute("BEGIN")
        key_fingerprint = _check_metadata(source, path)
        (page_size,), (page_count,) = (
            source.execute(f"PRAGMA {name}").fetchone() for name in ("page_size", "page_count")
        )
    size_bytes = page_size * page_count
    free_bytes = shutil.disk_usage(partial.target.parent).free
    if size_bytes > free_bytes:
        raise ConfigurationError(
            f"{partial.target.parent} has {free_bytes / 1_000_000:.1f} MB of free space, and "
            f"{size_bytes / 1_000_000:.1f} MB are necessary: free some space, or name another file."
        )
    target = partial.connection
    with _naming(partial.target):
        # Until it is complete, nothing has to survive.
        target.execute("PRAGMA locking_mode = EXCLUSIVE")
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        source.backup(target, pages=PAGES_PER_STEP, progress=_ProgressLog(path))
        # From WAL: a reader needs neither a log nor a folder that it can write to.
        target.execute("PRAGMA journal_mode = MEMORY")
    source.rollback()
    with _naming(path):
        _check_integrity(target, path)
        (identity_count,) = target.execute("SELECT count(*) FROM identities").fetchone()
    return DatabaseCopy(partial.target, size_bytes, identity_count, key_fingerprint)


def _check_metadata(connection: sqlite3.Connection, path: Path) -> str:
    """Check that this version can use the database; return the fingerprint of its keys."""
    unknown = ConfigurationError(f"{path} is no database of Dialtone: name another file.")
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        raise unknown
    metadata = dict(connection.execute("SELECT name, value FROM metadata"))
    version, key_fingerprint = metadata.get("schema_version"), metadata.get("key_fingerprint")
    if not isinstance(version, int) or not isinstance(key_fingerprint, str):
        raise unknown
    if version > len(MIGRATIONS):
        raise ConfigurationError(
            f"{path} was written by a newer version of Dialtone (schema {version}; this one "
            f"knows {len(MIGRATIONS)}): use that version."
        )
    return key_fingerprint


def _check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    _log.info({"event": "database_check_started", "file": str(path)})
    # Calls Python now and then, so that Ctrl-C has an effect.
    connection.set_progress_handler(lambda: 0, 100_000)
    if connection.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise ConfigurationError(f"{path} is damaged: use an earlier backup.")


class _ProgressLog:
    """Logs how much is copied, now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next_line_at = time.monotonic() + PROGRESS_INTERVAL

    def __call__(self, _: int, remaining: int, total: int) -> None:
        if time.monotonic() >= self._next_line_at:
            self._next_line_at = time.monotonic() + PROGRESS_INTERVAL
            percent = 100 * (total - remaining) // total
            _log.info(
                {"event": "database_pages_copied", "file": str(self._path), "percent": percent}
            )


@contextmanager
def _open_partial(target: Path) -> Iterator[_PartialFile]:
    """Create an empty file beside the target, and remove it at the end unless it was published.

    Its name is always the same, so that the next backup replaces what a killed one has left.
    """
    path = target.with_name(f".{target.name}.partial")
    with _naming(target):
        descriptor = _lock_partial(path)
        try:
            for suffix in _COMPANIONS:
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            url = f"{path.as_uri()}?mode=rw"
            # Closing it drops the lock. So it is closed last.
            with closing(sqlite3.connect(url, uri=True, isolation_level=None)) as connection:
                try:
                    yield _PartialFile(descriptor, connection, path, target)
                finally:
                    with suppress(FileNotFoundError):
                        if os.path.samestat(path.lstat(), os.fstat(descriptor)):
                            path.unlink()
        finally:
            os.close(descriptor)


def _lock_partial(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        in_use = ConfigurationError(f"Another command writes {path}: wait until it has finished.")
        try:
            # A lock of the process (POSIX): SQLite's own locks do not conflict with it.
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        except (BlockingIOError, PermissionError):
            raise in_use from None
        status = os.fstat(descriptor)
        if not path.exists() or not os.path.samestat(status, path.lstat()):
            raise in_use  # The other command has just published it.
        if status.st_uid != os.geteuid() or status.st_nlink != 1:
            raise ConfigurationError(f"{path} belongs to another user: remove it.")
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _lock_unused(path: Path, *, move_log: bool = False) -> Iterator[None]:
    """Hold a lock that keeps SQLite from using the file.

    Args:
        path: The database; it may be missing or damaged.
        move_log: Make the file complete without its log before.

    Raises:
        ConfigurationError: A process uses the file.
    """
    if not path.is_file():
        yield
        return
    in_use = ConfigurationError(
        f"{path} is in use: stop all instances of the service and all other commands, and start "
        "this command again."
    )
    if move_log:
        try:
            with _connect(path) as connection:
                # SQLite allows it to the only connection.
                connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            if is_busy(error):
                raise in_use from error
            # A damaged file is restored as well. Its log is kept beside it.
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, *_LOCK_BYTES)
        except (BlockingIOError, PermissionError):
            raise in_use from None
        yield
    finally:
        os.close(descriptor)


def _keep_aside(path: Path, now: datetime) -> Path | None:
    """Give the database a second name, and remove its log. The first name stays until the end.

    So a crash leaves a database at its path: the next start creates no empty one.
    """
    name = f"{path.name}.before-restore-{now:%Y%m%dT%H%M%S%fZ}"
    kept_at = path.with_name(name)
    has_database = path.exists()
    for suffix in ("", *_COMPANIONS):
        file = path.with_name(path.name + suffix)
        if file.exists() and suffix != "-shm":
            os.link(file, path.with_name(name + suffix))
    for suffix in _COMPANIONS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return kept_at if has_database else None


def _keep_owner(descriptor: int, path: Path) -> None:
    """Give the file to the owner of the database: root restores it for the service's user."""
    status = path.stat() if path.exists() else path.parent.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        os.fchown(descriptor, status.st_uid, status.st_gid)


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    url = f"{path.as_uri()}?mode=rw"
    with closing(sqlite3.connect(url, uri=True, isolation_level=None)) as connection:
        yield connection


@contextmanager
def _connect_to_backup(path: Path) -> Iterator[sqlite3.Connection]:
    # A file without a log is not changed by anybody, and its folder may be read-only.
    option = "mode=ro" if path.with_name(path.name + _LOG).exists() else "immutable=1"
    url = f"{path.as_uri()}?{option}"
    with closing(sqlite3.connect(url, uri=True, isolation_level=None)) as connection:
        yield connection


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Raise errors of SQLite and of the file system as errors of this file."""
    try:
        yield
    except sqlite3.Error as error:
        if is_interrupted(error):
            raise KeyboardInterrupt from error
        raise to_startup_error(path, error) from error
    except OSError as error:
        raise to_startup_error(path, error) from error


def _has_dialtone_header(path: Path) -> bool:
    with _naming(path), path.open("rb") as file:
        header = file.read(_HEADER_ID.stop)
    return header.startswith(_MAGIC) and int.from_bytes(header[_HEADER_ID]) == APPLICATION_ID


def _may_lack_log(backup: Path) -> bool:
    """Return whether the file had a log, which is not beside it: `back_up` removes this mark."""
    with _naming(backup), backup.open("rb") as file:
        has_wal = file.read(_HEADER_WAL.stop)[_HEADER_WAL] == b"\2"
    return has_wal and not backup.with_name(backup.name + _LOG).exists()


def _is_replaceable(path: Path) -> bool:
    return path.stat().st_size == 0 or _has_dialtone_header(path)


def _is_same_file(first: Path, second: Path) -> bool:
    return first.exists() and second.exists() and first.samefile(second)


def _is_companion_of(target: Path, path: Path) -> bool:
    return target in [path.with_name(path.name + suffix) for suffix in _COMPANIONS]
