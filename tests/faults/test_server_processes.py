"""The servers of tests: a test can stop, kill and freeze them, and they exit with the test run."""

import os
import re
import signal
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
from tests.support.servers.pytest_process import PytestProcess, children, parent, wait_for_exit
from tests.support.servers.replica_set import is_primary
from tests.support.servers.s3_process import S3Process
from tests.support.servers.s3_server import S3HealthCheck

SHARED_SERVERS = """
import time
from pathlib import Path
from pymongo import MongoClient

def test_waits(mongo_url, s3_server):
    with MongoClient(mongo_url) as client:
        pid = client.admin.command("serverStatus")["pid"]
    Path(__file__).with_name("pid").write_text(f"{pid}\\n")
    time.sleep(600)
"""
OWN_SERVER = """
import time
from pathlib import Path
from tests.support.servers.mongo_process import MongoProcess

def test_waits(tmp_path):
    with MongoProcess(tmp_path / "mongo") as server:
        Path(__file__).with_name("pid").write_text(f"{server.pid}\\n")
        time.sleep(600)
"""


@pytest.mark.parametrize("end", [ServerProcess.stop, ServerProcess.kill])
def test_a_restarted_mongodb_has_its_data_and_address(tmp_path: Path, end: Any) -> None:
    with MongoProcess(tmp_path / "mongo") as server:
        url = server.url
        with MongoClient[dict[str, Any]](url, w="majority") as client:
            client["test"]["items"].insert_one({"_id": 1})
        end(server)
        assert not server.is_running
        assert is_free(server.port)
        assert server.start().url == url
        with MongoClient[dict[str, Any]](url) as client:
            assert client["test"]["items"].find_one() == {"_id": 1}


@pytest.mark.parametrize("end", [ServerProcess.stop, ServerProcess.kill])
def test_a_restarted_s3_server_has_its_address(tmp_path: Path, end: Any) -> None:
    with S3Process(tmp_path / "s3") as server:
        health_check = S3HealthCheck(server.server)
        assert health_check.is_healthy()
        end(server)
        assert not health_check.is_healthy()
        server.start()
        assert health_check.is_healthy()


def test_a_frozen_server_responds_only_after_it_is_resumed(tmp_path: Path) -> None:
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


def test_a_replica_set_survives_its_primary(tmp_path: Path) -> None:
    nodes = [MongoProcess(tmp_path / str(number), alone=False) for number in range(3)]
    try:
        url = initiate_replica_set([node.start() for node in nodes], election_timeout=1)
        with MongoClient[dict[str, Any]](url, w="majority") as client:
            client["test"]["items"].insert_one({"_id": 1})
            next(node for node in nodes if is_primary(node.url)).kill()
            client["test"]["items"].insert_one({"_id": 2})
            assert client["test"]["items"].count_documents({}) == 2
    finally:
        for node in nodes:
            node.kill()


def test_a_server_that_cannot_start_reports_the_reason(tmp_path: Path) -> None:
    server = MongoProcess(tmp_path / "mongo", arguments=["--no-such-option"])
    with pytest.raises(ServerUnavailable, match="no-such-option"):
        server.start()
    assert not server.is_running


@pytest.mark.parametrize(
    ("signal_number", "arguments"),
    [
        (signal.SIGINT, ()),
        (signal.SIGTERM, ()),
        (signal.SIGKILL, ()),
        (signal.SIGKILL, ("-n", "2")),
    ],
)
def test_a_test_run_that_ends_leaves_no_server(
    tmp_path: Path, signal_number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    with PytestProcess(tmp_path, SHARED_SERVERS, *arguments) as run:
        mongod = int(run.wait_for_file("pid"))
        folder = Path(f"/proc/{mongod}/cwd").readlink()
        keeper = parent(mongod)
        servers = children(keeper)
        assert len(servers) == 2
        run.send(signal_number)
        for pid in {keeper, *servers}:
            wait_for_exit(pid)
        assert not folder.exists()


def test_servers_exit_when_their_keeper_is_killed(tmp_path: Path) -> None:
    with PytestProcess(tmp_path, SHARED_SERVERS) as run:
        keeper = parent(int(run.wait_for_file("pid")))
        servers = children(keeper)
        remaining_sockets = [socket for pid in servers for socket in seaweedfs_sockets(pid)]
        os.kill(keeper, signal.SIGKILL)
        for pid in servers:
            wait_for_exit(pid)
        for socket in remaining_sockets:
            socket.unlink()


def test_a_server_of_one_test_exits_when_the_run_is_killed(tmp_path: Path) -> None:
    with PytestProcess(tmp_path, OWN_SERVER) as run:
        mongod = int(run.wait_for_file("pid"))
        run.send(signal.SIGKILL)
        wait_for_exit(mongod)


def seaweedfs_sockets(pid: int) -> list[Path]:
    """Return the sockets of a SeaweedFS process, which stay when it is killed."""
    arguments = Path(f"/proc/{pid}/cmdline").read_text()
    ports = re.findall(r"port\.grpc=(\d+)", arguments)
    return [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock")]  # noqa: S108
