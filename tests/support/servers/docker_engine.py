"""The Docker Engine of this machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from docker.errors import DockerException
from requests.exceptions import RequestException
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tests.support.servers.errors import SourceUnavailable

# The exceptions of the engine and of the connection to it.
ENGINE_ERRORS: Final = (DockerException, RequestException, OSError)
DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
_SOCKET: Final = "unix://"
_CONNECT_TIMEOUT: Final = 5
"""Seconds until the engine has to respond at first."""
_READ_TIMEOUT: Final = 60
"""Seconds between two parts of a response."""


@contextmanager
def open_engine() -> Iterator[DockerClient]:
    """Yield a client of the engine; raises SourceUnavailable if none responds."""
    host = get_docker_host() or DEFAULT_HOST
    if not host.startswith(_SOCKET):
        raise SourceUnavailable(f"the Docker Engine is at {host}; tests use this machine only")
    if not is_listening(host):
        raise SourceUnavailable("no Docker Engine responds")
    # The process of the servers removes its containers, also if the run is killed.
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


def is_listening(host: str) -> bool:
    """Return whether a process listens at the socket; otherwise docker would leak its own."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_CONNECT_TIMEOUT)
        try:
            client.connect(host.removeprefix(_SOCKET))
        except OSError:
            return False
    return True
