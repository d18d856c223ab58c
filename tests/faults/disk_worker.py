"""A process that uses a media folder until it is done, or killed.

`python -m tests.faults.disk_worker <task> <folder>` prints a line for each step.
"""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any, Final

from adapters.media import disk
from adapters.media.disk import open_disk_files
from application.ports.errors import ConfigurationError, MediaStorageUnavailable
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


async def open_and_write(folder: Path) -> None:
    """Write a file, or report why the folder cannot be used."""
    try:
        async with open_disk_files(folder, "", MovableClock()) as files:
            report("opened")
            await attempt("write:", files.write(key(1), BytesIO(CONTENT), JPEG))
    except ConfigurationError as error:
        report("error:", error)


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


async def cleanup(folder: Path) -> None:
    """Delete unfinished files; report their number, and how many files are left."""
    async with open_disk_files(folder, "", MovableClock()) as files:
        report(await files.delete_unfinished(MovableClock().now() + timedelta(days=36_500)))
        report(len(file_names(folder)))


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


def die_at_every_line(folder: Path) -> None:
    """Write a file in a new process again and again, each killed one line of the adapter later.

    Reports what is served of each file afterwards, until a process is done.
    """
    for lines in itertools.count(1):
        child = os.fork()
        if not child:
            asyncio.run(_write_and_die(folder, lines))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        file = folder / key(lines)
        content = file.read_bytes() if file.exists() else None
        found = {None: "nothing", CONTENT: "whole"}.get(content, "part")
        if not os.WIFSIGNALED(status):
            report("done", found)
            return
        report("killed", found)


async def _write_and_die(folder: Path, lines: int) -> None:
    async with open_disk_files(folder, "", MovableClock()) as files:
        _die_after(lines)
        await files.write(key(lines), BytesIO(CONTENT), JPEG)
        # The write was acknowledged: the lines after it do not matter.
        os._exit(0)


def _die_after(lines: int) -> None:
    """Kill this process after so many further lines of the adapter, in any thread."""
    lines_left = itertools.count(lines - 1, -1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(ADAPTER):
            return None
        if event == "line" and next(lines_left) <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


TASKS: Final[dict[str, Callable[[Path], Coroutine[None, None, None]]]] = {
    task.__name__: task
    for task in (open_and_write, survive_full_disk, survive_read_only_disk, cleanup)
}

if __name__ == "__main__":
    task_name, folder_name = sys.argv[1:]
    if task_name == "die_at_every_line":
        # It forks, which a process with a loop and threads cannot do.
        die_at_every_line(Path(folder_name))
    else:
        asyncio.run(TASKS[task_name](Path(folder_name)))
