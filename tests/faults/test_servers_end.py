"""Whatever ends a test run, its servers end with it."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.servers.pytest_process import PytestProcess, children, parent, wait_for_exit

SHARED = """
import time
from pathlib import Path
from pymongo import MongoClient

def test_waits(mongo_url, s3_server):
    with MongoClient(mongo_url) as client:
        pid = client.admin.command("serverStatus")["pid"]
    Path(__file__).with_name("pid").write_text(f"{pid}\\n")
    time.sleep(600)
"""
OWN = """
import time
from pathlib import Path
from tests.support.servers.mongo_process import MongoProcess

def test_waits(tmp_path):
    with MongoProcess(tmp_path / "mongo") as own:
        Path(__file__).with_name("pid").write_text(f"{own.pid}\\n")
        time.sleep(600)
"""


def sockets(pid: int) -> list[Path]:
    """What SeaweedFS keeps where no run's end can take it along."""
    arguments = Path(f"/proc/{pid}/cmdline").read_text()
    ports = re.findall(r"port\.grpc=(\d+)", arguments)
    return [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock")]  # noqa: S108


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGINT, ()),
        (signal.SIGTERM, ()),
        (signal.SIGKILL, ()),
        (signal.SIGKILL, ("-n", "2")),
    ],
)
def test_a_run_that_is_ended_leaves_no_server(
    tmp_path: Path, number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    with PytestProcess(tmp_path, SHARED, *arguments) as run:
        mongod = int(run.wait_for_file("pid"))
        folder = Path(f"/proc/{mongod}/cwd").readlink()
        keeper = parent(mongod)
        servers = children(keeper)
        assert len(servers) == 2
        run.send(number)
        for pid in {keeper, *servers}:
            wait_for_exit(pid)
        assert not folder.exists()


def test_servers_end_with_the_keeper_also_when_it_is_killed(tmp_path: Path) -> None:
    with PytestProcess(tmp_path, SHARED) as run:
        keeper = parent(int(run.wait_for_file("pid")))
        servers = children(keeper)
        left = [socket for pid in servers for socket in sockets(pid)]
        os.kill(keeper, signal.SIGKILL)
        for pid in servers:
            wait_for_exit(pid)
        for socket in left:
            socket.unlink()


def test_a_server_of_one_test_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    with PytestProcess(tmp_path, OWN) as run:
        mongod = int(run.wait_for_file("pid"))
        run.send(signal.SIGKILL)
        wait_for_exit(mongod)
