"""A process that uses a media folder until it is done.

`python -m tests.faults.disk_worker <task> <folder>` prints a line for each step.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine
from io import BytesIO
from pathlib import Path
from typing import Final

from adapters.media import disk
from adapters.media.disk import open_disk_files
from application.ports.errors import MediaStorageUnavailable
from tests.faults.disks import PAGE_SIZE, make_read_only
from tests.support.fakes.clock import MovableClock
from tests.support.stored_files import read_file

CONTENT: Final = bytes(range(256)) * 1000
TOO_LARGE: Final = bytes(2 * 1024 * 1024)
ADAPTER: Final = str(Path(disk.__file__).parent)
JPEG: Final = "image/jpeg"


def report(*words: object) -> None:
    """Print a line at once; a line is whole or missing."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def key(number: int) -> str:
    return f"{number:032x}.jpg"


async def open_write_and_read(folder: Path) -> None:
    """Write a file if that is possible, and read it."""
    async with open_disk_files(folder, "", MovableClock()) as files:
        await attempt("write:", files.write(key(1), BytesIO(CONTENT), JPEG))
        report("read:", await read_file(files, key(1)) == CONTENT)


async def survive_full_disk(folder: Path) -> None:
    """Write until the disk is full, and again when there is space."""
    async with open_disk_files(folder, "", MovableClock()) as files:
        await attempt("write:", files.write(key(1), BytesIO(CONTENT), JPEG))
        await attempt("write too much:", files.write(key(2), BytesIO(TOO_LARGE), JPEG))
        report("files:", file_names(folder))
        fill(folder)
        await attempt("health check:", files.check())
        report("read:", await read_file(files, key(1)) == CONTENT)
        free(folder)
        await attempt("health check:", files.check())
        await attempt("write:", files.write(key(3), BytesIO(CONTENT), JPEG))
        fill(folder)
        await attempt("delete:", files.delete(key(1)))


async def survive_read_only_disk(folder: Path) -> None:
    """Use a disk that becomes read-only, as a failing disk does."""
    async with open_disk_files(folder, "", MovableClock()) as files:
        await attempt("write:", files.write(key(1), BytesIO(CONTENT), JPEG))
        remount_read_only(folder.parent)
        await attempt("write:", files.write(key(2), BytesIO(CONTENT), JPEG))
        await attempt("delete:", files.delete(key(1)))
        await attempt("health check:", files.check())
        report("read:", await read_file(files, key(1)) == CONTENT)


async def attempt(title: str, operation: Awaitable[None]) -> None:
    try:
        await operation
        report(title, "done")
    except MediaStorageUnavailable as error:
        report(title, f"{type(error).__name__}:", error.reason)


def file_names(folder: Path) -> list[str]:
    """Return the names of all files, also of unfinished ones."""
    return sorted(path.name for path in folder.glob("**/*") if path.is_file())


def remount_read_only(disk_folder: Path) -> None:
    subprocess.run(make_read_only(disk_folder), check=True)


def fill(folder: Path) -> None:
    """Fill the disk of the folder."""
    with (folder.parent / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(PAGE_SIZE)):
                pass
        except OSError:
            return


def free(folder: Path) -> None:
    (folder.parent / "ballast").unlink()


TASKS: Final[dict[str, Callable[[Path], Coroutine[None, None, None]]]] = {
    task.__name__: task for task in (open_write_and_read, survive_full_disk, survive_read_only_disk)
}

if __name__ == "__main__":
    task_name, folder_name = sys.argv[1:]
    asyncio.run(TASKS[task_name](Path(folder_name)))
