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
_DIRECTORY_MODE: Final = 0o755
_ACCESS_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_WRITE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0
_MAX_LINKS: Final = 40
"""The limit of Linux, path_resolution(7)."""


def read_private_file(path: Path) -> str | None:
    """Return the text of the file, or None if it does not exist. Links are followed.

    Raises:
        ConfigurationError: it is not a regular file, other users have access, or it cannot be read.
    """
    try:
        # O_NONBLOCK: opening a pipe would block otherwise.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.is_symlink():
            raise _not_a_regular_file(path) from None
        return None
    except OSError as error:
        user, group = os.geteuid(), os.getegid() or os.geteuid()
        raise ConfigurationError(
            f"The secrets file {path} cannot be read by uid {user} ({error.strerror}). "
            f"{_describe_access(path)}Let this user own the file, or let root own it and a group "
            f"of this user read it. Fix: chown {user} {path}, or fsGroup: {group} in Kubernetes, "
            "or uid and mode of the secret in Docker."
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_regular_file(path)
        _check_mode(path, status)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_SIZE).decode(errors="replace")
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
    is_created = False
    try:
        # Others must not be able to replace the file, with any umask.
        path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        try:
            _write_synced(temporary, text)
            with suppress(FileExistsError):
                os.link(temporary, path)
                is_created = True
        finally:
            temporary.unlink(missing_ok=True)
        # Also if another process created the file: the caller will rely on its content.
        _sync_directory(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"The secrets file {path} cannot be created ({error.strerror}). {path.parent} must be "
            "a directory that this user can write to, with free space and support for hard links."
        ) from error
    return is_created


@contextmanager
def lock_for_replacing(path: Path) -> Iterator[None]:
    """Wait for the lock of the file's directory and hold it for the block.

    - The directory is locked, because replacing changes the file itself. It is that of the file
      that a link leads to.
    - The operating system releases the lock of a killed process.

    Raises:
        ConfigurationError: the directory does not exist or cannot be locked.
    """
    path = path.resolve()
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
    """Replace the file durably; the caller holds the lock.

    - Its owner, its group, and whether the group may read it stay as they are.
    - Of a link, the file that it leads to is replaced.

    The text is written and synced under a temporary name and then renamed (POSIX rename()).
    Readers see the old or the new file, never a mixture, also after a crash.

    Raises:
        ConfigurationError: the file cannot be written; it is unchanged.
    """
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.next")
    try:
        temporary.unlink(missing_ok=True)  # left by a killed process
        try:
            _write_synced(temporary, text, path.stat())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except OSError as error:
        raise _not_replaceable(path, error) from error


def check_ownership(path: Path) -> None:
    """Check that no other user can replace the file, or a link that leads to it.

    - A user who can write to a directory can replace its files, regardless of their modes.
    - Files of root are accepted.
    - Nobody can replace a file through a read-only mount, as Docker and Kubernetes use for secrets.

    Raises:
        ConfigurationError: a file, link or directory belongs to another user, or others can write
            to a directory.
    """
    for entry in _follow_links(path):
        if _is_in_read_only_mount(entry.parent) or _is_in_read_only_mount(entry):
            continue
        for checked_path, status in (
            (entry, _read_status(entry, follow_symlinks=False)),
            (entry.parent, _read_status(entry.parent)),
        ):
            if status.st_uid not in (_ROOT, os.geteuid()):
                raise ConfigurationError(
                    f"{checked_path} belongs to another user, who could replace the keys. "
                    f"Fix: chown it to the user that runs the service (uid {os.geteuid()})."
                )
        if _read_status(entry.parent).st_mode & _WRITE_BY_OTHERS:
            raise ConfigurationError(
                f"Other users can write to {entry.parent} and replace the secrets file. "
                f"Fix: chmod go-w {entry.parent}"
            )


def _check_mode(path: Path, status: os.stat_result) -> None:
    # How else could the service read a file of root?
    is_read_by_group = status.st_uid == _ROOT != os.geteuid()
    rejected = _ACCESS_BY_OTHERS & ~(stat.S_IRGRP if is_read_by_group else 0)
    if status.st_mode & rejected and not _is_in_read_only_mount(path):
        mode = "640" if is_read_by_group else "600"
        raise ConfigurationError(
            f"Other users have access to the secrets file {path} (mode "
            f"{stat.S_IMODE(status.st_mode):04o}). Only a secret that Docker or Kubernetes mounts "
            f"read-only may have any mode. Fix: chmod {mode} {path}"
        )


def _is_in_read_only_mount(path: Path) -> bool:
    """Return whether nobody can write to the file or directory, which was mounted like this.

    A read-only root file system is not meant: its files are readable by all users of the machine.
    A bind mount can be read-only where the file system itself is not.
    """
    root = Path("/")
    try:
        if not os.statvfs(path).f_flag & os.ST_RDONLY:
            return False
        is_root_read_only = os.statvfs(root).f_flag & os.ST_RDONLY
        return not is_root_read_only or path.stat().st_dev != root.stat().st_dev
    except OSError:
        return False  # reading the file reports the reason


def _follow_links(path: Path) -> Iterator[Path]:
    """Yield the path, each link or directory on the way to the file, and the file.

    Kubernetes makes `secrets.json` a link to `..data/secrets.json`, and `..data` a link to the
    directory of the present version.
    """
    directory, names = path.parent.resolve(), [path.name]
    links_left = _MAX_LINKS
    while names:
        entry = directory / names.pop()
        yield entry
        if entry.is_symlink() and links_left:
            links_left -= 1
            target = entry.readlink()
            directory = Path(target.anchor) if target.is_absolute() else directory
            parts = target.relative_to(target.anchor).parts
            names += reversed(parts)
        else:
            directory = entry.resolve()


def _describe_access(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""  # its directory cannot be searched
    return (
        f"It belongs to uid {status.st_uid} and gid {status.st_gid}, with mode "
        f"{stat.S_IMODE(status.st_mode):04o}. "
    )


def _read_status(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
    try:
        return path.stat(follow_symlinks=follow_symlinks)
    except OSError as error:
        raise ConfigurationError(
            f"The status of {path} cannot be read ({error.strerror})."
        ) from error


def _write_synced(path: Path, text: str, replaced: os.stat_result | None = None) -> None:
    """Write a new file, with owner, group and access by the group of the file that it replaces."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, FILE_MODE), "w", encoding="ascii") as file:
        if replaced is not None:
            is_owner = replaced.st_uid == os.geteuid()
            if not is_owner or replaced.st_gid != os.fstat(file.fileno()).st_gid:
                os.fchown(file.fileno(), replaced.st_uid, replaced.st_gid)
            os.fchmod(file.fileno(), FILE_MODE | replaced.st_mode & stat.S_IRGRP)
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
        f"{path} is not a regular file, nor a link to one. "
        "Put the secrets file itself there, or set DIALTONE_SECRETS_FILE to its path."
    )


def _not_replaceable(path: Path, error: OSError) -> ConfigurationError:
    if error.errno in (errno.EROFS, errno.EBUSY):
        return ConfigurationError(
            f"The secrets file {path} is mounted ({error.strerror}), so only its source can be "
            "replaced. Copy it to a file of your own, run this command with "
            "DIALTONE_SECRETS_FILE=COPY, and make a new version of the secret from the copy."
        )
    return ConfigurationError(
        f"The secrets file {path} cannot be replaced ({error.strerror}). {path.parent} must be a "
        "directory that this user can write to, with free space."
    )
