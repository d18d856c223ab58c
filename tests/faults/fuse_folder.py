"""A FUSE file system that shows a folder with a database, and stops for one process.

`python fuse_folder.py FOLDER MOUNT STOPPED_FOR` mounts it until it is killed. While the file
STOPPED_FOR has the id of a process, the reads of that process get no response.
"""

import ctypes
import errno
import os
import sys
import time
from contextlib import suppress
from ctypes.util import find_library
from pathlib import Path
from typing import Any, Final

import mfusepy

_POLL_INTERVAL: Final = 0.02
_STATUS: Final = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_ino")
_TIMES: Final = ("st_atime", "st_mtime", "st_ctime")
_libfuse: Final = ctypes.CDLL(find_library("fuse") or find_library("fuse3"))
"""The library that mfusepy has loaded."""


class FuseFolder(mfusepy.Operations):  # type: ignore[misc]  # without types
    """The calls that SQLite needs, each passed on to the folder."""

    use_ns = True

    def __init__(self, folder: Path, stopped_for: Path) -> None:
        self._folder = folder
        self._stopped_for = stopped_for

    def _path(self, path: str) -> str:
        return f"{self._folder}{path}"

    def read(self, _path: str, size: int, offset: int, file: Any) -> bytes:
        # The kernel names the thread that reads.
        *_, thread_id = mfusepy.fuse_get_context()
        while self._is_stopped_for(thread_id):
            # A process that is killed ends only after the response.
            if _libfuse.fuse_interrupted():
                raise InterruptedError(errno.EINTR, "interrupted")
            # The test changes a file.
            time.sleep(_POLL_INTERVAL)
        return os.pread(file.fh, size, offset)

    def _is_stopped_for(self, thread_id: int) -> bool:
        with suppress(FileNotFoundError):
            process_id = self._stopped_for.read_text()
            return Path(f"/proc/{process_id}/task/{thread_id}").exists()
        return False

    def open(self, path: str, file: Any) -> int:
        return self._open(path, file, file.flags)

    def create(self, path: str, mode: int, file: Any) -> int:
        return self._open(path, file, file.flags | os.O_CREAT, mode)

    def _open(self, path: str, file: Any, flags: int, mode: int = 0o600) -> int:
        file.fh = os.open(self._path(path), flags, mode)
        # Without the kernel's cache, in which one process would wait for the reads of another.
        # The index of the log is shared memory, which needs it.
        file.direct_io = not path.endswith("-shm")
        return 0

    def getattr(self, path: str, file: Any = None) -> dict[str, Any]:
        status = os.lstat(self._path(path)) if file is None else os.fstat(file.fh)
        times = {name: getattr(status, f"{name}_ns") for name in _TIMES}
        return {name: getattr(status, name) for name in _STATUS} | times

    def write(self, _path: str, data: bytes, offset: int, file: Any) -> int:
        return os.pwrite(file.fh, data, offset)

    def truncate(self, path: str, length: int, file: Any = None) -> int:
        os.truncate(self._path(path) if file is None else file.fh, length)
        return 0

    def fsync(self, _path: str, _datasync: int, file: Any) -> int:
        os.fsync(file.fh)
        return 0

    def release(self, _path: str, file: Any) -> int:
        os.close(file.fh)
        return 0

    def unlink(self, path: str) -> int:
        Path(self._path(path)).unlink()
        return 0


def main() -> None:
    folder, mount, stopped_for = sys.argv[1:]
    files = FuseFolder(Path(folder), Path(stopped_for))
    # hard_remove: open files need no other name, because all calls for them have a descriptor.
    mfusepy.FUSE(files, mount, raw_fi=True, foreground=True, hard_remove=True)


if __name__ == "__main__":
    main()
