"""The servers that tests get can be used, whichever source they are from."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from tests.support.servers import environment
from tests.support.servers.s3_server import S3Bucket, S3Server


@pytest.fixture
def mongo(mongo_database: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client


def test_mongo_acknowledges_a_write_that_a_majority_has(
    mongo: MongoClient[dict[str, Any]],
) -> None:
    items = mongo.get_default_database()["items"]
    durable = items.with_options(write_concern=WriteConcern(w="majority", j=True))
    assert durable.insert_one({"_id": 1}).acknowledged
    assert items.find_one() == {"_id": 1}


def test_mongo_has_sessions_and_transactions(mongo: MongoClient[dict[str, Any]]) -> None:
    items = mongo.get_default_database()["items"]
    with mongo.start_session() as session, session.start_transaction():
        items.insert_one({"_id": 1}, session=session)
        session.abort_transaction()
    assert items.count_documents({}) == 0


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_a_database_of_its_own(_: int, mongo: MongoClient[dict[str, Any]]) -> None:
    assert mongo.get_default_database().list_collection_names() == []
    mongo.get_default_database()["items"].insert_one({})


def test_s3_keeps_what_it_is_given_with_its_own_key_only(s3_server: S3Server) -> None:
    assert S3Bucket(s3_server).find_error() == ""
    other_account = S3Server(s3_server.endpoint, "somebody", "else", bucket=s3_server.bucket)
    assert S3Bucket(other_account).find_error()


def test_running_servers_can_be_named(mongo_url: str, s3_server: S3Server) -> None:
    named = environment.exports(mongo_url, s3_server)
    with environment.mongo(named) as url, environment.s3(named) as server:
        assert (url, server) == (mongo_url, s3_server)
