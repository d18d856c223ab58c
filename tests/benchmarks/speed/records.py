"""The cost of requests by the number of records in the database."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.speed.results import Sample
from tests.benchmarks.speed.sides import open_service

COUNTS: Final = (1_000, 10_000, 100_000, 1_000_000)
CONNECTIONS: Final = 32
SECONDS: Final = 2


def measure_records(
    folder: Path, databases: Mapping[str, CreateDatabase], rounds: int
) -> Iterator[Sample]:
    """Measure with so many users and as many items, of which 1,000 users send requests."""
    folder.mkdir()
    for database, create in databases.items():
        name = database.lower()
        first = COUNTS[0]
        with (
            create() as url,
            open_service(name, folder / name, url, users=first, senders=first, items=first) as it,
        ):
            cells = [it.get("me", "/users/me"), it.get("library", "/library?per_page=20")]
            for count in COUNTS:
                it.process.stop()
                it.process.seed("fill", str(count))
                it.process.start()
                for cell in cells:
                    cell.measure(CONNECTIONS, 1)
                    for _ in range(rounds):
                        sample = cell.measure(CONNECTIONS, SECONDS)
                        yield replace(sample, records=count)
