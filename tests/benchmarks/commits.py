"""What committing together is worth, against one commit each."""

import asyncio
import time
from pathlib import Path

from adapters.sqlite import open_sqlite_repositories
from application.ports.repositories import Repositories
from tests.support.builders import a_phone
from tests.support.fakes.phone_encryption import FakePhoneEncryption

WRITES = 2_000
CALLERS = 32


async def commits(folder: Path) -> None:
    """Print how many writes are durable in a second."""
    together = await _commits_per_second(folder, together=True)
    alone = await _commits_per_second(folder, together=False)
    print(
        f"durable writes: {together:.0f} per s from {CALLERS} callers, {alone:.0f} from one: "
        f"{together / alone:.1f} times as many"
    )


async def _commits_per_second(folder: Path, *, together: bool) -> float:
    """Save phone records, from many callers at once or from one after the other."""
    async with open_sqlite_repositories(
        folder / f"together-{together}.db", FakePhoneEncryption()
    ) as records:
        started = time.perf_counter()
        await asyncio.gather(
            *(_write(records, first) for first in range(CALLERS if together else 1))
        )
        elapsed = time.perf_counter() - started
    writes = WRITES if together else WRITES // CALLERS
    return writes / elapsed


async def _write(records: Repositories, first: int) -> None:
    for number in range(first, first + WRITES // CALLERS):
        phone = a_phone(number * CALLERS % 10_000)
        loaded = await records.phone_verifications.load(phone)
        await records.phone_verifications.replace(
            phone, loaded.value.assign_identity("x"), loaded.version
        )
