"""Copies a file again and again, killed before another write each time, and then continues.

`python -m tests.faults.copy_worker <source> <folder>` leaves a copy for each write in the folder.
"""

import asyncio
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import entrypoints.features  # noqa: F401 -- it declares the kinds of records
from adapters.records.copying import begin, compare_records, copy_records, finish
from adapters.sqlite.copying import SqliteCopy, open_source, open_target
from tests.support.fakes.phone_encryption import FakePhoneEncryption

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)


def kill_before(number: int) -> None:
    """Kill this process before the write of this number."""
    writes = itertools.count(1)

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if next(writes) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments)

        return call

    for name in ("write_mark", "add"):
        setattr(SqliteCopy, name, counted(getattr(SqliteCopy, name)))


async def copy(source: Path, target: Path) -> None:
    fingerprint = FakePhoneEncryption().key_fingerprint()
    async with (
        open_source(source, fingerprint) as opened,
        open_target(target, fingerprint) as filled,
    ):
        assert opened is not None
        await begin(opened, filled, NOW, "a copy")
        async for _ in copy_records(opened, filled):
            pass
        async for _ in compare_records(opened, filled):
            pass
        await finish(opened, filled, NOW)


def run(source: Path, target: Path, killed_before: int = 0) -> int:
    """Copy in a process of its own, and return its exit code."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    kill_before(killed_before)
    asyncio.run(copy(source, target))
    os._exit(0)


def main(source: Path, folder: Path) -> None:
    for number in itertools.count(1):
        original, target = folder / f"original-{number}.db", folder / f"copy-{number}.db"
        shutil.copy(source, original)
        code = run(original, target, number)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert run(original, target) == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
