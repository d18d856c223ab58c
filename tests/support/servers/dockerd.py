"""A Docker Engine for one test run: dockerd with its own folder and socket."""

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

from tests.support.servers.debian import find_or_install
from tests.support.servers.docker_engine import is_listening
from tests.support.servers.process import ServerProcess

# Ports are published by its proxy only: it changes no packet filter and no routes.
_PROXY_ONLY: Final = (
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
)
_BRIDGE: Final = Path("/sys/class/net/docker0")
SYSTEM_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin"


class Dockerd(ServerProcess):
    """One dockerd; all its files are in its folder."""

    name = "dockerd"
    # A killed dockerd leaves containers and their mounts.
    orphan_signal = signal.SIGTERM

    def __init__(self, program: Path, folder: Path) -> None:
        super().__init__(program, folder)
        self.host = f"unix://{folder}/socket"
        self._creates_bridge = not _BRIDGE.exists()

    def command(self) -> list[str]:
        return [
            str(self.program),
            f"--host={self.host}",
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/pid",
            *_PROXY_ONLY,
        ]

    def wait_until_ready(self) -> None:
        self.wait_until(self._is_ready)

    def __exit__(self, *_: object) -> None:
        self.stop()
        ip = shutil.which("ip")
        if ip and self._creates_bridge:
            subprocess.run([ip, "link", "delete", _BRIDGE.name], check=False)

    def _is_ready(self) -> bool:
        if not is_listening(self.host):
            return False
        try:
            DockerClient(base_url=self.host).close()
        except DockerException:
            return False
        return True


@contextmanager
def start_engine() -> Iterator[str]:
    """Start dockerd, installing it if it is missing; yield its URL.

    Raises:
        ServerUnavailable: It cannot be installed or started.
    """
    search_path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    program = find_or_install("dockerd", "docker.io", search_path)
    with (
        TemporaryDirectory(prefix="dialtone-dockerd-", ignore_cleanup_errors=True) as folder,
        Dockerd(program, Path(folder) / "engine") as dockerd,
    ):
        yield dockerd.host
