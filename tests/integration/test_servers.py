"""The servers that tests get can be used, whichever source they are from."""

from typing import Any

import pytest
from pymongo import MongoClient

from tests.support.servers.mongo import MongoProcess, MongoServer
from tests.support.servers.s3 import S3Process, S3Server
from tests.support.servers.servers import named


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_a_database_of_its_own(_: int, mongo_database: str) -> None:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        assert database.list_collection_names() == []
        database["items"].insert_one({})


def test_running_servers_can_be_named(mongo_url: str, s3_server: S3Server) -> None:
    mongo = MongoServer(mongo_url)
    environ = mongo.exports() | s3_server.exports()
    with named(MongoProcess, environ) as named_mongo, named(S3Process, environ) as named_s3:
        assert (named_mongo, named_s3) == (mongo, s3_server)
