"""A process that uses a media folder until it is done, or killed.

`python -m tests.faults.disk_worker <what> <folder>`; each line on stdout says what has
happened, as soon as it has.
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
from pathlib import Path
from types import FrameType
from typing import Any, Final

from adapters import disk
from adapters.disk import DiskFiles, open_disk_files
from application.ports.errors import ConfigurationError, MediaStorageUnavailable
from tests.faults.namespaces import Command, make_read_only
from tests.support.fakes.clock import MovableClock

CONTENT: Final = bytes(range(256)) * 1000
TOO_LARGE: Final = bytes(2 * 1024 * 1024)
ROOM: Final = str(Path(disk.__file__).parent)
JPEG: Final = "image/jpeg"


def say(*words: object) -> None:
    """Tell the test at once; a line is whole or not there."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def key(number: int) -> str:
    return f"{number:032x}.jpg"


async def open_and_store(folder: Path) -> None:
    """Say whether the folder can be used, and why if not."""
    try:
        async with open_disk_files(folder, "", MovableClock()) as files:
            say("opened")
            await attempt("store:", files.write(key(1), CONTENT, JPEG))
    except ConfigurationError as refused:
        say("refused:", refused)


async def live_through_a_full_disk(folder: Path) -> None:
    """Store what fits and what does not, look, and store again when there is room."""
    async with open_disk_files(folder, "", MovableClock()) as files:
        await attempt("store:", files.write(key(1), CONTENT, JPEG))
        await attempt("store too much:", files.write(key(2), TOO_LARGE, JPEG))
        say("left of it:", names_in(folder))
        fill(folder)
        await attempt("look:", files.check())
        say("read:", await content_of(files, key(1)) == CONTENT)
        free(folder)
        await attempt("look:", files.check())
        await attempt("store:", files.write(key(3), CONTENT, JPEG))
        fill(folder)
        await attempt("remove:", files.delete(key(1)))


async def live_through_a_read_only_disk(folder: Path) -> None:
    """Have the disk become read-only, as one does that fails."""
    async with open_disk_files(folder, "", MovableClock()) as files:
        await attempt("store:", files.write(key(1), CONTENT, JPEG))
        run(make_read_only(folder.parent))
        await attempt("store:", files.write(key(2), CONTENT, JPEG))
        await attempt("remove:", files.delete(key(1)))
        await attempt("look:", files.check())
        say("read:", await content_of(files, key(1)) == CONTENT)


async def attempt(what: str, doing: Awaitable[None]) -> None:
    try:
        await doing
        say(what, "done")
    except MediaStorageUnavailable as error:
        say(what, error)


async def content_of(files: DiskFiles, of: str) -> bytes | None:
    file = await files.open_file(of)
    return b"".join([chunk async for chunk in file.chunks]) if file else None


def names_in(folder: Path) -> list[str]:
    """What lies in the folder, and what is unfinished."""
    return sorted(path.name for path in folder.glob("**/*") if path.is_file())


def fill(folder: Path) -> None:
    """Leave no byte free."""
    with (folder.parent / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)):
                pass
        except OSError:
            return


def run(command: Command) -> None:
    subprocess.run(command, check=True)


def free(folder: Path) -> None:
    (folder.parent / "ballast").unlink()


def die_at_every_step(folder: Path) -> None:
    """Store a file in ever new processes, each killed one line of the adapter later.

    Says for each what could be seen of its file afterwards, until one lived to the end.
    """
    for step in itertools.count(1):
        child = os.fork()
        if not child:
            asyncio.run(_store_until(folder, step))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        file = folder / key(step)
        seen = file.read_bytes() if file.exists() else None
        what = {None: "nothing", CONTENT: "whole"}.get(seen, "part")
        if not os.WIFSIGNALED(status):
            say("done", what)
            return
        say("killed", what)


async def _store_until(folder: Path, step: int) -> None:
    async with open_disk_files(folder, "", MovableClock()) as files:
        _die_in(step)
        await files.write(key(step), CONTENT, JPEG)
        # What comes after was acknowledged.
        os._exit(0)


def _die_in(lines: int) -> None:
    """Be killed before this many further lines of the adapter have run, in whatever thread."""
    left = itertools.count(lines - 1, -1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        if event == "line" and next(left) <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


async def cleanup(folder: Path) -> None:
    """Say how much was unfinished, and what is left."""
    async with open_disk_files(folder, "", MovableClock()) as files:
        say(await files.delete_unfinished(MovableClock().now() + timedelta(days=36_500)))
        say(len(names_in(folder)))


TASKS: Final[dict[str, Callable[[Path], Coroutine[None, None, None]]]] = {
    one.__name__: one
    for one in (
        open_and_store,
        live_through_a_full_disk,
        live_through_a_read_only_disk,
        cleanup,
    )
}

if __name__ == "__main__":
    task, place = sys.argv[1:]
    if task == "die_at_every_step":
        # It forks, which a process with a loop and threads cannot.
        die_at_every_step(Path(place))
    else:
        asyncio.run(TASKS[task](Path(place)))
