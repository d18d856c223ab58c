"""A private file on disk: checked access, atomic and durable writes, one writer at a time."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from adapters.files import lock_file
from application.ports.errors import ConfigurationError

FILE_MODE: Final = 0o600
ROOT_FILE_MODE: Final = 0o640
"""Root's file may be read by a group: the service could not read it otherwise."""
MAX_FILE_SIZE: Final = 1_000_000
LOCK_TIMEOUT: Final = 10.0
"""Seconds. A change takes milliseconds: longer, and its process was stopped, or its disk hangs."""
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
    try:
        # O_NONBLOCK: opening a pipe would block otherwise.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _not_a_regular_file(path) if path.is_symlink() else _missing(path) from None
    except OSError as error:
        user, group = os.geteuid(), os.getegid() or os.geteuid()
        raise ConfigurationError(
            f"The secrets file {path} cannot be read by uid {user} ({error.strerror}). Fix: "
            f"chown {user} {path}. In Kubernetes, set fsGroup: {group}, and in Docker uid and mode."
        ) from error
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
    """Wait some seconds for the lock of the file, and hold it for the block. Readers need no lock.

    - The lock is a file of its own, because replacing changes the file itself. It is beside the
      file that a link leads to, and stays there.
    - The operating system releases the lock of a killed process.

    Raises:
        ConfigurationError: the file does not exist or cannot be locked, or another process keeps
            the lock.
    """
    with ExitStack() as stack:
        try:
            target = Path(os.path.realpath(path, strict=True))
            if not target.is_file():
                raise _not_a_regular_file(path)
            flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            # Others could hold the lock for as long as they like.
            lock = os.open(target.with_name(f".{target.name}.lock"), flags, FILE_MODE)
            stack.callback(os.close, lock)
            if os.geteuid() == _ROOT:  # the owner of the file locks it too
                os.fchown(lock, target.stat().st_uid, -1)
            lock_file(lock, LOCK_TIMEOUT)
        except FileNotFoundError:
            raise _missing(path) from None
        except TimeoutError:
            raise ConfigurationError(
                f"Another process has been changing the secrets file {path} for "
                f"{LOCK_TIMEOUT:g} seconds: wait until it has ended, or stop it."
            ) from None
        except OSError as error:
            raise _not_replaceable(path, error) from error
        yield


def replace_private_file(path: Path, text: str) -> None:
    """Replace the file durably; the caller holds the lock.

    - Its owner, group and mode stay as they are.
    - Of a link, the file that it leads to is replaced.

    The text is written and synced under a temporary name and then renamed (POSIX rename()).
    Readers see the old or the new file, never a mixture, also after a crash.

    Raises:
        ConfigurationError: the file cannot be written; it is unchanged.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.next")
    try:
        temporary.unlink(missing_ok=True)  # left by a killed process
        with _write_synced(temporary, text, target.stat()):
            temporary.replace(target)
    except OSError as error:
        raise _not_replaceable(path, error) from error


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
    # All users of the machine can read the files of a read-only root. The device alone does not
    # tell: in an overlay, files may have another one than the root. Nor does the mount alone: a
    # bind mount may show a folder of the root.
    is_read_only = os.fstatvfs(descriptor).f_flag & os.ST_RDONLY
    if not is_read_only or status.st_dev == Path("/").stat().st_dev:
        return False
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return mount_id_of(descriptor) != mount_id_of(root)
    finally:
        os.close(root)


def mount_id_of(descriptor: int) -> str:
    """Return the id of the mount of an opened file (proc(5), fdinfo); empty without /proc."""
    try:
        information = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
    except OSError:
        return ""
    return information.partition("mnt_id:")[2].partition("\n")[0].strip()


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
