"""The cost of requests by the number of records in the database."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.speed.cells import FEW, HttpCell
from tests.benchmarks.speed.results import Sample
from tests.benchmarks.speed.seed import LIBRARY_SIZE
from tests.benchmarks.speed.sides import seed_service

COUNTS: Final = (1_000, 10_000, 100_000, 1_000_000)
SENDERS: Final = 20_000
MIN_LIBRARIES: Final = 500


def measure_records(
    folder: Path, databases: Mapping[str, CreateDatabase], rounds: int
) -> Iterator[Sample]:
    """Measure with so many users, and as many items, but at least those of some libraries."""
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
                cell.warm_up()
            for _ in range(rounds):
                for count, cell in cells:
                    yield replace(cell.measure(FEW, 1), records=count)


def _open_cells(
    stack: ExitStack, folder: Path, name: str, create: CreateDatabase, count: int
) -> Iterator[HttpCell]:
    service = seed_service(
        name,
        folder / f"{name}-{count}",
        stack.enter_context(create()),
        users=count,
        senders=min(count, SENDERS),
        libraries=max(MIN_LIBRARIES, count // LIBRARY_SIZE),
    )
    stack.enter_context(service.process)
    yield service.me()
    yield service.own_page()
