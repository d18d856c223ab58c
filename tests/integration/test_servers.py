"""The servers that tests get can be used, whichever source they are from."""

from typing import Any

import pytest
from pymongo import MongoClient

from tests.support.servers import servers
from tests.support.servers.s3_server import S3Server


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_a_database_of_its_own(_: int, mongo_database: str) -> None:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        assert database.list_collection_names() == []
        database["items"].insert_one({})


def test_running_servers_can_be_named(mongo_url: str, s3_server: S3Server) -> None:
    named = servers.exports(mongo_url, s3_server)
    with servers.running_mongo(named) as url, servers.running_s3(named) as server:
        assert (url, server) == (mongo_url, s3_server)
