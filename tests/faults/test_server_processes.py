"""Servers that a test may stop, kill, freeze and start again."""

from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo import MongoClient
from pymongo.errors import NetworkTimeout

from tests.support.servers.errors import ServerUnavailable
from tests.support.servers.mongo_process import MongoProcess, initiate_replica_set
from tests.support.servers.ports import is_free
from tests.support.servers.process import ServerProcess
from tests.support.servers.replica_set import is_primary
from tests.support.servers.s3_process import S3Process
from tests.support.servers.s3_server import S3HealthCheck


@pytest.mark.parametrize("end", [ServerProcess.stop, ServerProcess.kill])
def test_mongo_has_its_data_again_at_the_same_address(tmp_path: Path, end: Any) -> None:
    with MongoProcess(tmp_path / "mongo") as server:
        url = server.url
        with MongoClient[dict[str, Any]](url, w="majority") as client:
            client["one"]["items"].insert_one({"_id": 1})
        end(server)
        assert not server.is_running
        assert is_free(server.port)
        assert server.start().url == url
        with MongoClient[dict[str, Any]](url) as client:
            assert client["one"]["items"].find_one() == {"_id": 1}


@pytest.mark.parametrize("end", [ServerProcess.stop, ServerProcess.kill])
def test_s3_serves_again_at_the_same_address(tmp_path: Path, end: Any) -> None:
    with S3Process(tmp_path / "s3") as server:
        trial = S3HealthCheck(server.server)
        assert trial.is_healthy()
        end(server)
        assert not trial.is_healthy()
        server.start()
        assert trial.is_healthy()


def test_a_frozen_server_answers_nobody_until_it_goes_on(tmp_path: Path) -> None:
    with (
        MongoProcess(tmp_path / "mongo") as server,
        MongoClient[dict[str, Any]](server.url, retryReads=False) as client,
    ):
        client.admin.command("ping")
        for _ in range(5):
            server.pause()
            with pytest.raises(NetworkTimeout), pymongo.timeout(0.2):
                client.admin.command("ping")
            server.resume()
            assert is_primary(server.url)


def test_a_frozen_server_can_be_stopped(tmp_path: Path) -> None:
    with MongoProcess(tmp_path / "mongo") as server:
        server.pause()
        server.pause()
        server.stop()
        assert not server.is_running


def test_nodes_make_a_set_that_outlives_its_primary(tmp_path: Path) -> None:
    nodes = [MongoProcess(tmp_path / str(number), alone=False) for number in range(3)]
    try:
        url = initiate_replica_set([node.start() for node in nodes], election_timeout=1)
        with MongoClient[dict[str, Any]](url, w="majority") as client:
            client["one"]["items"].insert_one({"_id": 1})
            next(node for node in nodes if is_primary(node.url)).kill()
            client["one"]["items"].insert_one({"_id": 2})
            assert client["one"]["items"].count_documents({}) == 2
    finally:
        for node in nodes:
            node.kill()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = MongoProcess(tmp_path / "mongo", arguments=["--no-such-option"])
    with pytest.raises(ServerUnavailable, match="no-such-option"):
        broken.start()
    assert not broken.is_running
