"""A Docker Engine: that of this machine, or one that is started for a test run."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from docker.errors import DockerException
from requests.exceptions import RequestException
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tests.support.servers.debian import find_or_install
from tests.support.servers.errors import SourceUnavailable
from tests.support.servers.process import ServerProcess

# The exceptions of the engine and of the connection to it.
ENGINE_ERRORS: Final = (DockerException, RequestException, OSError)
_DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
_SOCKET: Final = "unix://"
_CONNECT_TIMEOUT: Final = 5
"""Seconds until the engine has to respond at first."""
_READ_TIMEOUT: Final = 60
"""Seconds between two parts of a response."""
# Ports are published by its proxy only: it changes no packet filter and no routes.
_PROXY_ONLY: Final = (
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
)
_BRIDGE: Final = Path("/sys/class/net/docker0")


@contextmanager
def open_engine() -> Iterator[DockerClient]:
    """Yield a client of the engine; raises SourceUnavailable if none responds."""
    host = get_docker_host() or _DEFAULT_HOST
    if not _is_listening(host):
        raise SourceUnavailable(f"no Docker Engine of this machine responds at {host}")
    # Its image is not on each machine; the context managers remove the containers.
    testcontainers_config.ryuk_disabled = True
    # Ports are published at 127.0.0.1, also if the tests run in a container.
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host
    try:
        client = DockerClient(timeout=_CONNECT_TIMEOUT)
    except ENGINE_ERRORS as error:
        raise SourceUnavailable(f"the Docker Engine does not respond: {error}") from error
    client.client.api.timeout = _READ_TIMEOUT
    try:
        yield client
    finally:
        client.client.close()


@contextmanager
def start_engine() -> Iterator[str]:
    """Start dockerd, installing it if it is missing; yield its URL.

    Raises:
        ServerUnavailable: It cannot be installed or started.
    """
    search_path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    program = find_or_install("dockerd", "docker.io", search_path)
    with (
        TemporaryDirectory(prefix="dialtone-dockerd-", ignore_cleanup_errors=True) as folder,
        Dockerd(program, Path(folder) / "engine") as dockerd,
    ):
        yield dockerd.host


class Dockerd(ServerProcess):
    """One dockerd; all its files are in its folder."""

    name = "dockerd"
    # A killed dockerd leaves containers and their mounts.
    orphan_signal = signal.SIGTERM

    def __init__(self, program: Path, folder: Path) -> None:
        super().__init__(program, folder)
        self.host = f"{_SOCKET}{folder}/socket"
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
        self.wait_until(lambda: _is_listening(self.host))

    def __exit__(self, *_: object) -> None:
        self.stop()
        ip = shutil.which("ip")
        if ip and self._creates_bridge:
            subprocess.run([ip, "link", "delete", _BRIDGE.name], check=False)


def _is_listening(host: str) -> bool:
    """Return whether a process listens at the socket; otherwise docker would leak its own."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_CONNECT_TIMEOUT)
        try:
            client.connect(host.removeprefix(_SOCKET))
        except OSError:
            return False
    return True
