"""Copies a file again and again, killed before another write each time, and then continues.

`python -m tests.faults.copy_worker <source> <folder>` leaves a copy for each write in the folder.
With `other-keys` as a third argument, they are under other keys.
"""

import asyncio
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import entrypoints.features  # noqa: F401 -- it declares the kinds of records
from adapters.databases.records.copying import Copying, begin, finish
from adapters.databases.records.key_change import KeyChange
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.phone_keys import report_nothing
from adapters.databases.sqlite import database, open_to_copy
from adapters.databases.sqlite.connection_worker import commit_batch
from tests.integration.adapters.databases.test_copying_under_other_keys import LATER, NEW
from tests.integration.adapters.databases.test_phone_keys import OLD
from tests.support.fakes.phone_encryption import FakePhoneEncryption

Keys = tuple[PhoneEncryption, PhoneEncryption]
_FAKE: Final = FakePhoneEncryption()
SAME_KEYS: Final[Keys] = (_FAKE, _FAKE)
OTHER_KEYS: Final[Keys] = (OLD, NEW)


def kill_before(number: int) -> None:
    """Kill this process before the write of this number."""
    writes = itertools.count(1)

    def commit(*arguments: Any) -> Sequence[object]:
        if next(writes) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return commit_batch(*arguments)

    setattr(database, "commit_batch", commit)  # noqa: B010 -- what it has imported


async def copy(source: Path, target: Path, keys: Keys) -> None:
    old, new = keys
    async with (
        open_to_copy(source, old.key_fingerprint()) as opened,
        open_to_copy(target, new.key_fingerprint()) as filled,
    ):
        is_continued = await begin(opened, filled, LATER, "a copy")
        change = KeyChange(opened.records, old, new) if old is not new else None
        copying = Copying(opened, filled, report_nothing, change)
        await copying.add_records(is_continued=is_continued)
        await copying.compare_records()
        await finish(opened, filled, LATER)


def run(source: Path, target: Path, keys: Keys, killed_before: int = 0) -> int:
    """Copy in a process of its own, and return its exit code."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    kill_before(killed_before)
    asyncio.run(copy(source, target, keys))
    os._exit(0)


def main(source: Path, folder: Path, keys: Keys) -> None:
    for number in itertools.count(1):
        original, target = folder / f"original-{number}.db", folder / f"copy-{number}.db"
        shutil.copy(source, original)
        code = run(original, target, keys, number)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert run(original, target, keys) == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), OTHER_KEYS if sys.argv[3:] else SAME_KEYS)
