"""A private file on disk: checked permissions, atomic and durable writes, one writer at a time."""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from application.ports.errors import ConfigurationError

FILE_MODE: Final = 0o600
MAX_FILE_SIZE: Final = 1_000_000
_ACCESS_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_WRITE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0


def read_private_file(path: Path) -> str | None:
    """Return the text of the file, or None if it does not exist.

    Raises:
        ConfigurationError: it is not a regular file, other users have access, or it cannot be read.
    """
    try:
        # O_NONBLOCK: opening a pipe would block otherwise.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # O_NOFOLLOW found a symbolic link
            raise _not_a_regular_file(path) from error
        raise ConfigurationError(
            f"The secrets file {path} cannot be read ({error.strerror}). The owner of the file and "
            "its directory must be the user that runs the service."
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_regular_file(path)
        if status.st_mode & _ACCESS_BY_OTHERS:
            raise ConfigurationError(
                f"Other users have access to the secrets file {path}. Fix: chmod 600 {path}"
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_SIZE).decode(errors="replace")
    finally:
        os.close(descriptor)


def create_private_file(path: Path, text: str) -> None:
    """Create the file durably, unless it exists already.

    The text is written and synced under a temporary name and then linked. A link never replaces
    an existing file (POSIX link()), so no process ever reads a partial file.

    Raises:
        ConfigurationError: the file cannot be created.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(temporary, text)
            with suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        # Also if another process created the file: the caller will rely on its content.
        _sync_directory(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"The secrets file {path} cannot be created ({error.strerror}). {path.parent} must be "
            "a directory that this user can write to, with free space and support for hard links."
        ) from error


@contextmanager
def lock_for_replacing(path: Path) -> Iterator[None]:
    """Wait for the lock of the file's directory and hold it for the block.

    - The directory is locked, because replacing changes the file itself.
    - The operating system releases the lock of a killed process.

    Raises:
        ConfigurationError: the directory does not exist or cannot be locked.
    """
    try:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_replaceable(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise _not_replaceable(path, error) from error
        yield
    finally:
        os.close(descriptor)


def replace_private_file(path: Path, text: str) -> None:
    """Replace the file durably and keep its owner; the caller holds the lock.

    The text is written and synced under a temporary name and then renamed (POSIX rename()).
    Readers see the old or the new file, never a mixture, also after a crash.

    Raises:
        ConfigurationError: the file cannot be written; it is unchanged.
    """
    temporary = path.with_name(f".{path.name}.next")
    try:
        temporary.unlink(missing_ok=True)  # left by a killed process
        try:
            status = path.stat()
            is_owner = status.st_uid == os.geteuid()
            _write_synced(temporary, text, None if is_owner else (status.st_uid, status.st_gid))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except OSError as error:
        raise _not_replaceable(path, error) from error


def check_ownership(path: Path) -> None:
    """Check that no other user can replace the file.

    - A user who can write to a directory can replace its files, regardless of their modes.
    - Files of root are accepted.

    Raises:
        ConfigurationError: file or directory belong to another user, or others can write to the
            directory.
    """
    for checked_path in (path, path.parent):
        if _read_status(checked_path).st_uid not in (_ROOT, os.geteuid()):
            raise ConfigurationError(
                f"{checked_path} belongs to another user, who could replace the keys. "
                f"Fix: chown it to the user that runs the service (uid {os.geteuid()})."
            )
    if _read_status(path.parent).st_mode & _WRITE_BY_OTHERS:
        raise ConfigurationError(
            f"Other users can write to {path.parent} and replace the secrets file. "
            f"Fix: chmod go-w {path.parent}"
        )


def _read_status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise ConfigurationError(
            f"The status of {path} cannot be read ({error.strerror})."
        ) from error


def _write_synced(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, FILE_MODE), "w", encoding="ascii") as file:
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_a_regular_file(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is not a regular file (but a link, a directory or a special file). "
        "Put the secrets file itself there, or set DIALTONE_SECRETS_FILE to its path."
    )


def _not_replaceable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The secrets file {path} cannot be replaced ({error.strerror}). {path.parent} must be a "
        "directory that this user can write to, with free space, and the file itself must not be "
        "a mount point."
    )
