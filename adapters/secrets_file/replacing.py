"""Replacing the file by another, by one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.secrets_file.files import sync_folder, write_synced
from adapters.secrets_file.secrets import SecretsNotUsable


@contextmanager
def only_one_replaces(path: Path) -> Iterator[None]:
    """Wait until nobody else replaces the file, and keep others waiting until the block ends.

    What is locked is the folder: the file itself is another one afterwards. The lock of a process
    that is killed is nobody's.

    Raises:
        SecretsNotUsable: there is no such folder, or it cannot be locked.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_replaced(path, error) from error
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
        except OSError as error:
            raise _not_replaced(path, error) from error
        yield
    finally:
        os.close(folder)


def replace_private_text(path: Path, text: str) -> None:
    """Put another file in the place of this one, durably; its owner stays.

    It is written and synced under another name and then renamed, so that whoever reads gets one
    of the two, whole (POSIX rename()), also after a crash. Only who holds the lock may call it.

    Raises:
        SecretsNotUsable: it cannot be written; the file is as it was.
    """
    beside = path.with_name(f".{path.name}.next")
    try:
        beside.unlink(missing_ok=True)  # one that was killed left it
        try:
            write_synced(beside, text, _owner_to_keep(path))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise _not_replaced(path, error) from error


def _owner_to_keep(path: Path) -> tuple[int, int] | None:
    status = path.stat()
    return None if status.st_uid == os.geteuid() else (status.st_uid, status.st_gid)


def _not_replaced(path: Path, error: OSError) -> SecretsNotUsable:
    return SecretsNotUsable(
        f"The secrets file {path} cannot be replaced ({error.strerror}): let {path.parent} be a "
        "folder that this user may write to, on a disk with room, and the file no mount of its own."
    )
