"""A private file on disk: checked access, atomic and durable writes, one writer at a time."""

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
ROOT_FILE_MODE: Final = 0o640
"""Root's file may be read by a group: the service could not read it otherwise."""
MAX_FILE_SIZE: Final = 1_000_000
_ROOT: Final = 0


def read_private_file(path: Path, *, is_strict: bool = False) -> str:
    """Return the text of the file, or of the file that a link leads to.

    The opened file is checked:
    - It is a regular file.
    - In a read-only mount of its own, as Docker and Kubernetes mount secrets, it may have any
      owner and mode.
    - In other places only its owner can write to it, and only its owner can read it, or a group
      if root owns it.
    - In other places root or this user owns it. A job of root, which is not strict, may also use
      the file of the service's user.

    Raises:
        ConfigurationError: the file does not exist, cannot be read, or fails a check.
    """
    descriptor = _open(path)
    try:
        _check_access(path, descriptor, is_strict=is_strict)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_SIZE).decode(errors="replace")
    except OSError as error:
        raise ConfigurationError(
            f"The secrets file {path} cannot be read ({error.strerror}). Check its disk or server."
        ) from error
    finally:
        os.close(descriptor)


def create_private_file(path: Path, text: str) -> bool:
    """Create the file durably, unless it exists already; return whether it was created.

    The text is written and synced under a temporary name and then linked. A link never replaces
    an existing file (POSIX link()), so no process ever reads a partial file.

    Raises:
        ConfigurationError: the file cannot be created.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        # Others must not be able to replace the file, with any umask.
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _write_synced(temporary, text), suppress(FileExistsError):
            os.link(temporary, path)
            return True
    except OSError as error:
        raise ConfigurationError(
            f"The secrets file {path} cannot be created ({error.strerror}). {path.parent} must be "
            "a directory that this user can write to, with free space and support for hard links."
        ) from error
    return False


@contextmanager
def lock_for_replacing(path: Path) -> Iterator[None]:
    """Hold the lock of the file for the block. Readers need no lock.

    The operating system releases the lock of a killed process.

    Raises:
        ConfigurationError: the file does not exist or cannot be locked, or another process has
            the lock, or has just replaced the file.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise BlockingIOError
        yield
    except BlockingIOError:
        raise ConfigurationError(
            f"Another process is changing the secrets file {path}: wait until it has ended."
        ) from None
    except OSError as error:
        raise _not_replaceable(path, error) from error
    finally:
        os.close(descriptor)


def replace_private_file(path: Path, text: str) -> None:
    """Replace the file durably; the caller holds the lock.

    - Its owner, group and mode stay as they are.
    - Of a link, the file that it leads to is replaced.

    The text is written and synced under a temporary name and then renamed (POSIX rename()).
    Readers see the old or the new file, never a mixture, also after a crash.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.next")
    try:
        temporary.unlink(missing_ok=True)  # left by a killed process
        with _write_synced(temporary, text, target.stat()):
            temporary.replace(target)
    except OSError as error:
        raise _not_replaceable(path, error) from error


def _open(path: Path) -> int:
    try:
        # O_NONBLOCK: opening a pipe would block otherwise.
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _not_a_regular_file(path) if path.is_symlink() else _missing(path) from None
    except OSError as error:
        user, group = os.geteuid(), os.getegid() or os.geteuid()
        raise ConfigurationError(
            f"The secrets file {path} cannot be read by uid {user} ({error.strerror}). Fix: "
            f"chown {user} {path}. In Kubernetes, set fsGroup: {group}, and in Docker uid and mode."
        ) from error


def _check_access(path: Path, descriptor: int, *, is_strict: bool) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_regular_file(path)
    if _is_mounted_secret(descriptor, status):
        return
    if status.st_uid not in (_ROOT, os.geteuid()) and (is_strict or os.geteuid() != _ROOT):
        raise ConfigurationError(
            f"The secrets file {path} belongs to uid {status.st_uid}, who could change the keys. "
            f"Fix: chown {os.geteuid()} {path}"
        )
    mode = ROOT_FILE_MODE if status.st_uid == _ROOT else FILE_MODE
    if status.st_mode & 0o077 & ~mode:
        raise ConfigurationError(
            f"Other users have access to the secrets file {path} (mode "
            f"{stat.S_IMODE(status.st_mode):04o}). Fix: chmod {mode:o} {path}"
        )


def _is_mounted_secret(descriptor: int, status: os.stat_result) -> bool:
    """Return whether the file is in a read-only mount, of a file system that is not the root's."""
    # All users of the machine can read the files of a read-only root.
    is_read_only = bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)
    return is_read_only and status.st_dev != Path("/").stat().st_dev


@contextmanager
def _write_synced(path: Path, text: str, replaced: os.stat_result | None = None) -> Iterator[None]:
    """Write a temporary file durably for the block, which renames or links it.

    It has owner, group and mode of the file that it replaces.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, FILE_MODE), "w", encoding="ascii") as file:
            if replaced is not None:
                os.fchown(file.fileno(), replaced.st_uid, replaced.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(replaced.st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield
    finally:
        path.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _missing(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"The secrets file {path} does not exist. Set DIALTONE_SECRETS_FILE to an existing file, "
        f"or create it with new keys: dialtone keys generate {path}"
    )


def _not_a_regular_file(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is not a regular file, nor a link to one. "
        "Put the secrets file itself there, or set DIALTONE_SECRETS_FILE to its path."
    )


def _not_replaceable(path: Path, error: OSError) -> ConfigurationError:
    if error.errno in (errno.EROFS, errno.EBUSY):
        return ConfigurationError(
            f"The secrets file {path} is mounted ({error.strerror}). Copy it, run this command "
            "with DIALTONE_SECRETS_FILE=COPY, and make a new version of the secret from the copy."
        )
    return ConfigurationError(
        f"The secrets file {path} cannot be replaced: {error}. This needs free space, and a user "
        "who can write to its directory and keep the owner of the file, for example root."
    )
