"""Files that are read by their owner alone, and that appear whole or not at all."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from adapters.secrets_file.secrets import SecretsNotUsable

OWNER_ONLY: Final = 0o600
LARGEST: Final = 1_000_000


def read_private_text(path: Path) -> str | None:
    """Give the text of the file, or None when there is none.

    Raises:
        SecretsNotUsable: it is not a file, or not its owner's alone, or cannot be read.
    """
    try:
        # Without O_NONBLOCK a pipe in its place would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # how O_NOFOLLOW refuses a link
            raise _not_a_file(path) from error
        raise SecretsNotUsable(
            f"The secrets file {path} cannot be read ({error.strerror}): "
            "let it and its folder belong to the user that the service runs as."
        ) from error
    try:
        return _text_of(descriptor, path)
    finally:
        os.close(descriptor)


def _text_of(descriptor: int, path: Path) -> str:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_file(path)
    if status.st_mode & 0o077:
        raise SecretsNotUsable(f"The secrets file {path} can be read by others: chmod 600 {path}")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(LARGEST).decode(errors="replace")


def put_private_text(path: Path, text: str) -> None:
    """Put a new file in place, durably, unless another was there first.

    It is written and synced under another name and then linked: a link is made or not, and
    never over an existing file (POSIX link()), so nobody ever reads half of it.

    Raises:
        SecretsNotUsable: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _link_new(path, text)
        # Also for another's file: what it holds is about to be relied on.
        sync_folder(path.parent)
    except OSError as error:
        raise SecretsNotUsable(
            f"The secrets file {path} cannot be made ({error.strerror}): let {path.parent} be a "
            "folder that this user may write to, on a disk with room and hard links."
        ) from error


def _link_new(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        write_synced(beside, text)
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_synced(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Write a new file with this text, on the disk; of this user and group, if any are given."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, OWNER_ONLY), "w", encoding="ascii") as file:
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in the folder be on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_a_file(path: Path) -> SecretsNotUsable:
    return SecretsNotUsable(
        f"{path} is not a file but a link, a folder or something else: "
        "put the secrets file itself there, or name it in DIALTONE_SECRETS_FILE."
    )
