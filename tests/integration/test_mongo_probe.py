from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from adapters.mongo import open_mongo_records
from application.ports.errors import StorageUnavailable
from application.ports.repositories import Repositories
from tests.support.fakes.seal import FakeSeal


@pytest.fixture
def client(mongo_database: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client


@pytest.fixture
async def records(mongo_database: str) -> AsyncIterator[Repositories]:
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        yield records


async def test_a_look_writes_as_well(
    records: Repositories, client: MongoClient[dict[str, Any]]
) -> None:
    await records.health.check()

    mark = client.get_default_database()["meta"].find_one({"_id": "database"})
    assert mark is not None
    assert "probed" in mark


async def test_a_database_that_was_emptied_does_not_work(
    records: Repositories, client: MongoClient[dict[str, Any]]
) -> None:
    client.drop_database(client.get_default_database())

    with pytest.raises(StorageUnavailable, match="emptied"):
        await records.health.check()
