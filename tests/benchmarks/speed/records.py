"""The cost of requests by the number of records in the database."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.speed.cells import HttpCell
from tests.benchmarks.speed.results import Sample
from tests.benchmarks.speed.sides import seed_service

COUNTS: Final = (1_000, 10_000, 100_000, 1_000_000)
CONNECTIONS: Final = 32
SECONDS: Final = 1


def measure_records(
    folder: Path, databases: Mapping[str, CreateDatabase], rounds: int
) -> Iterator[Sample]:
    """Measure with so many users and as many items, of which 1,000 users send requests."""
    folder.mkdir()
    for database, create in databases.items():
        with ExitStack() as stack:
            # All numbers in turn: otherwise a machine that gets faster or slower changes the ratio.
            cells = [
                (count, cell)
                for count in COUNTS
                for cell in _open_cells(stack, folder, database.lower(), create, count)
            ]
            for _, cell in cells:
                cell.measure(CONNECTIONS, 1)
            for _ in range(rounds):
                for count, cell in cells:
                    yield replace(cell.measure(CONNECTIONS, SECONDS), records=count)


def _open_cells(
    stack: ExitStack, folder: Path, name: str, create: CreateDatabase, count: int
) -> Iterator[HttpCell]:
    url, first = stack.enter_context(create()), COUNTS[0]
    service = seed_service(
        name, folder / f"{name}-{count}", url, users=first, senders=first, items=first
    )
    service.process.seed("fill", str(count))
    stack.enter_context(service.process)
    yield service.get("me", "/users/me")
    yield service.get("library", "/library?per_page=20")
