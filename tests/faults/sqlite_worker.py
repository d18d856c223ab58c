"""A process that uses a database file until it is done, or killed.

`python -m tests.faults.sqlite_worker <what> <path> …`; each line on stdout says what has
happened, as soon as it has.
"""

import asyncio
import itertools
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Final

from adapters.sqlite import DatabaseNotUsable, open_sqlite_records
from adapters.sqlite.migrate import Migration, bring_up_to_date, shipped_migrations
from application.ports.errors import StorageUnavailable
from application.ports.repositories import Repositories
from domain.identities.identity import Identity
from tests.support.builders import a_phone, a_session, an_id, an_identity
from tests.support.fakes.seal import FakeSeal

WRITERS: Final = 8
WINS: Final = 100
BALLAST: Final = 2 * 1024 * 1024


def say(*words: object) -> None:
    """Tell the test at once; a line is whole or not there."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


async def acknowledge(path: Path, first: str) -> None:
    """Add identities without end, from this number on, and say each that was acknowledged."""
    async with open_sqlite_records(path, FakeSeal()) as records:

        async def write(numbers: "itertools.count[int]") -> None:
            for number in numbers:
                assert await records.identities.add(an_identity(id=an_id(number)))
                say(number)

        start = int(first)
        await asyncio.gather(
            *(write(itertools.count(start + one, WRITERS)) for one in range(WRITERS))
        )


async def count(path: Path) -> None:
    """Count one up in the same phone's record as others do, until it was done `WINS` times."""
    async with open_sqlite_records(path, FakeSeal()) as records:
        say("opened")
        sys.stdin.readline()
        wins = 0
        while wins < WINS:
            loaded = await records.phone_verifications.load(a_phone())
            number = int(loaded.value.identity_id or "0", 16) + 1
            wins += await records.phone_verifications.replace(
                a_phone(), loaded.value.assign_identity(an_id(number)), loaded.version
            )
        say("done")


async def open_at_a_sign(path: Path) -> None:
    """Open the file as soon as a line comes, together with others."""
    say("ready")
    sys.stdin.readline()
    async with open_sqlite_records(path, FakeSeal()) as records:
        await records.health.check()
        say("opened")


async def die_migrating(path: Path) -> None:
    """Be killed in the middle of a migration."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
    script = "CREATE TABLE added (one);\nDELETE FROM identities;\nSELECT die();\n"
    shipped = shipped_migrations()
    say("migrating")
    bring_up_to_date(
        connection,
        path,
        FakeSeal().key_fingerprint(),
        [*shipped, Migration(len(shipped) + 1, script)],
    )


async def open_and_read(path: Path) -> None:
    """Say whether the file opens, and why if not; leave an identity in it and look for it."""
    try:
        async with open_sqlite_records(path, FakeSeal()) as records:
            say("opened")
            await records.identities.add(an_identity())
            say("read" if await records.identities.load(an_id()) else "lost")
    except DatabaseNotUsable as refused:
        say("refused:", refused)


async def live_through_a_full_disk(path: Path) -> None:
    """Write until the disk is full, and again when there is room."""
    ballast = path.with_name("ballast")
    ballast.write_bytes(bytes(BALLAST))
    async with open_sqlite_records(path, FakeSeal()) as records:
        kept, refused = await _filled(records)
        say("full after some:", len(kept) > 0)
        say("read while full:", await _count_of(records, kept) == len(kept))
        say("refused are not there:", await _count_of(records, refused) == 0)
        try:
            # A look writes a page, and a few pages may be left where more than that was refused.
            for _ in range(1000):
                await records.health.check()
        except StorageUnavailable as error:
            say("probe:", error)
        ballast.unlink()
        await records.health.check()
        say("probe: works again")
        for identity in refused:
            assert await records.identities.add(identity)
        say("written again:", await _count_of(records, refused) == len(refused))
    async with open_sqlite_records(path, FakeSeal()) as records:
        everybody = [*kept, *refused]
        say("all there:", await _count_of(records, everybody) == len(everybody))


async def _filled(records: Repositories) -> tuple[list[Identity], list[Identity]]:
    """Write in rounds of concurrent writes until one is refused; give those kept and refused."""
    kept: list[Identity] = []
    for start in itertools.count(0, WRITERS):
        sessions = tuple(a_session(id=an_id(number), device="x" * 200) for number in range(20))
        batch = [an_identity(id=an_id(start + one), sessions=sessions) for one in range(WRITERS)]
        outcomes = await asyncio.gather(
            *(records.identities.add(one) for one in batch), return_exceptions=True
        )
        refused = [one for one, outcome in zip(batch, outcomes, strict=True) if outcome is not True]
        kept += [one for one in batch if one not in refused]
        if refused:
            reasons = {str(one) for one in outcomes if isinstance(one, StorageUnavailable)}
            say("refused:", *reasons)
            return kept, refused
    raise AssertionError("unreachable")


async def _count_of(records: Repositories, identities: Sequence[Identity]) -> int:
    found = [await records.identities.load(one.id) for one in identities]
    return sum(one is not None for one in found)


TASKS: Final[dict[str, Callable[..., Coroutine[None, None, None]]]] = {
    one.__name__: one
    for one in (
        acknowledge,
        count,
        open_at_a_sign,
        die_migrating,
        open_and_read,
        live_through_a_full_disk,
    )
}

if __name__ == "__main__":
    task, path, *rest = sys.argv[1:]
    asyncio.run(TASKS[task](Path(path), *rest))
