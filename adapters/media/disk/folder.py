"""The media folder: blocking operations on its files.

Functions raise OSError. Storage keys are checked by `file_path` before they become file names.
"""

import errno
import os
import re
import shutil
import stat
import tempfile
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

UNFINISHED: Final = ".unfinished"
"""Subfolder for files that are being written; it is on the same file system.

It is created at start-up only. A folder without it is the empty mount point of a disk that is no
longer mounted: nothing is written there, and its files are not taken for deleted.
"""
CHUNK_SIZE: Final = 64 * 1024
_TEST_CONTENT: Final = bytes(4096)
_FOLDER_MODE: Final = 0o750
"""Mode of a new media folder. A web server in front of it may run as another user of the same
group."""
_FILE_BITS: Final = 0o666
"""Bits of the media folder's mode that its files get."""
# Symbolic links are not followed, and opening a named pipe does not block.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAME: Final = r"[0-9a-z]+(?:[._-][0-9a-z]+)*"
_STORAGE_KEY: Final = re.compile(rf"(?=.{{1,100}}\Z){_NAME}(?:/{_NAME})*\Z")


class FileReader:
    """A file that is open for reading.

    It is also closed when it is dropped: nothing else closes a file that a thread opened after its
    caller had given up.
    """

    def __init__(self, descriptor: int, start: int, stop: int) -> None:
        self.size = max(0, stop - start)
        self.close = weakref.finalize(self, os.close, descriptor)
        self._descriptor = descriptor
        self._offset = start
        self._stop = stop

    def read(self) -> bytes:
        """Return the next chunk, or an empty one at the end.

        Raises:
            OSError: Also if the file is closed.
        """
        if not self.close.alive:
            raise OSError(errno.EBADF, "the file is closed")
        chunk = os.pread(
            self._descriptor, max(0, min(CHUNK_SIZE, self._stop - self._offset)), self._offset
        )
        self._offset += len(chunk)
        return chunk


class ClosedFolderError(PermissionError):
    """A folder of media files that this user cannot enter, or where it cannot write."""

    def __init__(self, folder: str) -> None:
        super().__init__(errno.EACCES, "permission denied", folder)


def prepare_folder(folder: Path) -> None:
    """Create what is missing of the folder."""
    unfinished = folder / UNFINISHED
    folder.parent.mkdir(parents=True, exist_ok=True)
    _make_folder(folder, folder.parent.stat(), _FOLDER_MODE)
    _make_folder(unfinished, folder.stat(), 0o700)
    if unfinished.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "a symbolic link")


def is_folder_prepared(folder: Path) -> bool:
    """Return whether `prepare_folder` has been called, or check that it would succeed."""
    if (folder / UNFINISHED).exists():
        return True
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "not writable")
    return False


def was_prepared(folder: Path) -> bool:
    """Return whether the folder was used before, or cannot be entered, so that it may have been."""
    try:
        return (folder / UNFINISHED).is_dir()
    except PermissionError:
        return True


def check_writable(folder: Path) -> None:
    """Write a small file and delete it, and check that all folders of files can be used.

    Raises:
        ClosedFolderError: One cannot be used.
    """
    status, unfinished = folder.stat(), folder / UNFINISHED
    try:
        descriptor, name = tempfile.mkstemp(prefix="health-check.", dir=unfinished)
    except PermissionError:
        raise ClosedFolderError(str(unfinished)) from None
    try:
        os.write(descriptor, _TEST_CONTENT)
        _adopt(descriptor, status, status.st_mode & _FILE_BITS)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        Path(name).unlink()
    with os.scandir(folder) as entries:
        for entry in entries:
            if _STORAGE_KEY.match(entry.name) and entry.is_dir() and not _is_usable(entry.path):
                raise ClosedFolderError(entry.path)


def file_path(folder: Path, storage_key: str) -> Path | None:
    """Return the path of a file, or None for an invalid storage key (OWASP ASVS 5.0 5.3.2).

    The names in it have lower-case letters and digits, with single dots, hyphens and underscores
    between them. So none is hidden or leads elsewhere, and all file systems read them in one way.
    """
    return folder / storage_key if _STORAGE_KEY.match(storage_key) else None


def write(folder: Path, file: Path, content: BinaryIO, began_at: datetime) -> None:
    """Write a file durably. It appears in the folder when it is complete.

    New files and folders have the owner and the mode of the media folder.
    """
    owner = folder.stat()
    descriptor, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=folder / UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as unfinished:
            shutil.copyfileobj(content, unfinished, CHUNK_SIZE)
            unfinished.flush()
            os.utime(descriptor, (began_at.timestamp(), began_at.timestamp()))
            _adopt(descriptor, owner, owner.st_mode & _FILE_BITS)
            os.fsync(descriptor)
        _make_folder(file.parent, owner, stat.S_IMODE(owner.st_mode))
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    _sync(file.parent)


def open_file(folder: Path, file: Path, start: int, stop: int | None) -> FileReader | None:
    """Open a part of a regular file, or return None if there is no such file."""
    try:
        descriptor = os.open(file, _OPEN_FLAGS)
    except OSError as error:
        _check_mounted(folder)
        if isinstance(error, (FileNotFoundError, NotADirectoryError)) or file.is_symlink():
            return None
        raise
    status = os.fstat(descriptor)
    size = status.st_size
    opened = FileReader(descriptor, start, size if stop is None else min(stop, size))
    return opened if stat.S_ISREG(status.st_mode) else None


def get_size(folder: Path, file: Path) -> int | None:
    """Return the size of a regular file, or None if none has this name."""
    try:
        status = file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        _check_mounted(folder)
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def delete(folder: Path, file: Path) -> None:
    """Delete a file durably; do nothing if it does not exist."""
    try:
        file.unlink()
    except (FileNotFoundError, NotADirectoryError):
        _check_mounted(folder)
        return
    _sync(file.parent)


def list_parts(folder: Path) -> list[str]:
    """Return the names in the folder that storage keys may begin with."""
    _check_mounted(folder)
    return [path.name for path in folder.iterdir() if _STORAGE_KEY.match(path.name)]


def list_keys(folder: Path, part: str) -> list[str]:
    """Return the storage keys of the files in a part of the folder, or of the file itself.

    A folder that cannot be read is an error: its files would be taken for missing.
    """
    if (folder / part).is_file():
        return [part]
    paths = [
        Path(parent, name)
        for parent, _, names in os.walk(folder / part, onerror=_raise)
        for name in names
    ]
    keys = [path.relative_to(folder).as_posix() for path in paths if path.is_file()]
    return [key for key in keys if _STORAGE_KEY.match(key)]


def _raise(error: OSError) -> None:
    raise error


def delete_unfinished(folder: Path, before: datetime) -> int:
    """Delete unfinished files that were last written before this time, and return their number."""
    deleted = 0
    with os.scandir(folder / UNFINISHED) as entries:
        for entry in entries:
            # Another process may move or delete the file at the same time.
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                    Path(entry).unlink()
                    deleted += 1
    return deleted


def _make_folder(folder: Path, owner: os.stat_result, mode: int) -> None:
    """Create a missing folder durably, with this mode and the owner of another one."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, owner, mode)
    try:
        folder.mkdir(mode)
        is_new = True
    except FileExistsError:  # another thread or process was faster
        is_new = False
    # Anything but a folder of this name is an error.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if is_new:
            _adopt(descriptor, owner, mode)
    finally:
        os.close(descriptor)
    _sync(folder.parent)


def _adopt(descriptor: int, owner: os.stat_result, mode: int) -> None:
    """Give what was created a mode, and the owner of the media folder, also as root.

    The service cannot use what belongs to root. The group that a setgid bit gave stays.
    """
    created = os.fstat(descriptor)
    has_owner = (created.st_uid, created.st_gid) == (owner.st_uid, owner.st_gid)
    if os.geteuid() == 0 and not has_owner:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    # The umask does not apply.
    mode |= created.st_mode & stat.S_ISGID
    if stat.S_IMODE(created.st_mode) != mode:
        os.fchmod(descriptor, mode)


def _is_usable(folder: str) -> bool:
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)


def _check_mounted(folder: Path) -> None:
    """Raise FileNotFoundError if this is not the folder that was prepared."""
    (folder / UNFINISHED).lstat()


def _sync(folder: Path) -> None:
    """Make the folder's list of files durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
