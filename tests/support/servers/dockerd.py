"""A Docker Engine of the test run's own, where none is there: dockerd on a folder and a socket."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from docker import DockerClient
from docker.errors import DockerException

from tests.support.servers.docker_engine import listens
from tests.support.servers.process import ServerProcess
from tests.support.servers.refusals import NoServer

INSTALL: Final = (
    ("apt-get", "update", "-qq"),
    (
        *("apt-get", "-o", "DPkg::Lock::Timeout=180", "install", "-y", "-qq"),
        *("--no-install-recommends", "docker.io"),
    ),
)
# Ports go by its proxy alone: the packet filter and the routes of this machine stay as they are.
_BY_PROXY: Final = (
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
)
_BRIDGE: Final = Path("/sys/class/net/docker0")
SYSTEM_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin"


class Dockerd(ServerProcess):
    """One dockerd; everything it makes is in its folder."""

    name = "dockerd"
    # Killed, it would leave containers and what is mounted for them.
    sent_when_orphaned = signal.SIGTERM

    def __init__(self, program: Path, folder: Path) -> None:
        super().__init__(program, folder)
        self.host = f"unix://{folder}/socket"
        self._has_made_bridge = not _BRIDGE.exists()

    def command(self) -> list[str]:
        return [
            str(self.program),
            f"--host={self.host}",
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/pid",
            *_BY_PROXY,
        ]

    def wait_until_it_serves(self) -> None:
        self.wait_until(self._answers)

    def __exit__(self, *_: object) -> None:
        self.stop()
        ip = shutil.which("ip")
        if ip and self._has_made_bridge:
            subprocess.run([ip, "link", "delete", _BRIDGE.name], check=False)

    def _answers(self) -> bool:
        if not listens(self.host):
            return False
        try:
            DockerClient(base_url=self.host).close()
        except DockerException:
            return False
        return True


@contextmanager
def own_engine() -> Iterator[str]:
    """Start one, installed before if need be; gives its address. NoServer says why it cannot be."""
    program = find() or install()
    with (
        TemporaryDirectory(prefix="dialtone-dockerd-", ignore_cleanup_errors=True) as folder,
        Dockerd(program, Path(folder) / "engine") as dockerd,
    ):
        yield dockerd.host


def find() -> Path | None:
    """The dockerd of this machine."""
    found = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")
    return Path(found) if found else None


def install() -> Path:
    """Have it from Debian, where that is allowed; NoServer where it is not."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoServer("There is no dockerd, and only root can install docker.io with apt-get.")
    said = [_output(command) for command in INSTALL]
    program = find()
    if program is None:
        raise NoServer("\n".join(["docker.io could not be installed:", *said]))
    return program


def _output(command: tuple[str, ...]) -> str:
    return subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout
