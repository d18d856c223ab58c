"""Over which records the service is put beside its models."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.contract.conftest import in_memory, in_sqlite
from tests.contract.mongo_database import in_mongo
from tests.stateful.served import OpenRecords

World = Callable[[pytest.FixtureRequest], OpenRecords]

WORLDS: Final[tuple[World, ...]] = (in_memory, in_sqlite, in_mongo)


def in_each_world(of_memory: int, of_sqlite: int, of_mongo: int) -> pytest.MarkDecorator:
    """Run a test as `world, count` over each, with so many examples as `make test` makes."""
    counts = (of_memory, of_sqlite, of_mongo)
    names = [world.__name__ for world in WORLDS]
    return pytest.mark.parametrize(
        ("world", "count"), [*zip(WORLDS, counts, strict=True)], ids=names
    )
