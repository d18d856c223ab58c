"""A process that uses a database file until it is done, or killed.

`python -m tests.faults.sqlite_worker <task> <path>` prints a line for each step.
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
from unittest.mock import patch

import entrypoints.composition.features  # noqa: F401 -- it declares the kinds of records
from adapters.databases.records.schema_plan import SchemaObject
from adapters.databases.sql.schema import schema
from adapters.databases.sqlite.dialect import SQLITE
from adapters.databases.sqlite.schema import prepare_schema
from application.ports.errors import ConfigurationError, StorageUnavailable
from application.ports.repositories import Repositories
from domain.identities.identity import Identity
from tests.support.builders import a_session, an_id, an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_sqlite_repositories

WRITERS: Final = 8
BALLAST_SIZE: Final = 2 * 1024 * 1024


def report(*words: object) -> None:
    """Print a line at once; a line is whole or missing."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


async def die_creating(path: Path) -> None:
    """Be killed in the middle of the creation of the schema."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
    report("creating")
    statements = {**schema(SQLITE), SchemaObject("table", "last"): "SELECT die()"}
    with patch("adapters.databases.sql.schema.schema", lambda _: statements):
        prepare_schema(connection, path, FakePhoneEncryption().key_fingerprint())


async def open_and_read(path: Path) -> None:
    """Add an identity and load it, or report why the file cannot be opened."""
    try:
        async with open_sqlite_repositories(path) as records:
            report("opened")
            await records.identities.add(an_identity())
            report("read" if await records.identities.load(an_id()) else "lost")
    except ConfigurationError as error:
        report("error:", error)


async def survive_full_disk(path: Path) -> None:
    """Write until the disk is full, and again when there is space."""
    ballast = path.with_name("ballast")
    ballast.write_bytes(bytes(BALLAST_SIZE))
    async with open_sqlite_repositories(path) as records:
        stored, failed = await _fill(records)
        report("some stored:", len(stored) > 0)
        report("read while full:", await _count_present(records, stored) == len(stored))
        report("failed are absent:", await _count_present(records, failed) == 0)
        try:
            # A check writes one page, and some may be left where a larger write failed.
            for _ in range(1000):
                await records.health.check()
        except StorageUnavailable as error:
            report("health check:", error.reason)
        ballast.unlink()
        await records.health.check()
        report("health check: works again")
        for identity in failed:
            assert await records.identities.add(identity)
        report("written again:", await _count_present(records, failed) == len(failed))
    async with open_sqlite_repositories(path) as records:
        identities = [*stored, *failed]
        report("all present:", await _count_present(records, identities) == len(identities))


async def _fill(records: Repositories) -> tuple[list[Identity], list[Identity]]:
    """Write in concurrent batches until one fails; return the stored and the failed identities."""
    stored: list[Identity] = []
    for start in itertools.count(0, WRITERS):
        sessions = tuple(a_session(id=an_id(number), device="x" * 200) for number in range(20))
        batch = [
            an_identity(id=an_id(start + writer), sessions=sessions) for writer in range(WRITERS)
        ]
        results = await asyncio.gather(
            *(records.identities.add(identity) for identity in batch), return_exceptions=True
        )
        failed = [
            identity for identity, result in zip(batch, results, strict=True) if result is not True
        ]
        stored += [identity for identity in batch if identity not in failed]
        if failed:
            causes = {result.reason for result in results if isinstance(result, StorageUnavailable)}
            report("error:", *causes)
            return stored, failed
    raise AssertionError("unreachable")


async def _count_present(records: Repositories, identities: Sequence[Identity]) -> int:
    loaded = [await records.identities.load(identity.id) for identity in identities]
    return sum(identity is not None for identity in loaded)


TASKS: Final[dict[str, Callable[[Path], Coroutine[None, None, None]]]] = {
    task.__name__: task
    for task in (
        die_creating,
        open_and_read,
        survive_full_disk,
    )
}

if __name__ == "__main__":
    name, file = sys.argv[1:]
    asyncio.run(TASKS[name](Path(file)))
