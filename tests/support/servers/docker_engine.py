"""The Docker Engine of this machine, as far as tests need it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from docker.errors import DockerException
from requests.exceptions import RequestException
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tests.support.servers.refusals import Unavailable

# What the engine, or the way to it, may say instead of doing what it was asked.
ENGINE_ERRORS: Final = (DockerException, RequestException, OSError)
USUAL_HOST: Final = "unix:///var/run/docker.sock"
_SOCKET: Final = "unix://"
_PATIENCE: Final = 5
"""Seconds that an engine has to say that it is there."""
_LONGEST_PAUSE: Final = 60
"""Seconds that it may be silent at its work."""


@contextmanager
def engine() -> Iterator[DockerClient]:
    """The engine that answers here; Unavailable when there is none."""
    host = get_docker_host() or USUAL_HOST
    if not host.startswith(_SOCKET):
        raise Unavailable(f"the Docker Engine is at {host}; tests keep to this machine")
    if not listens(host):
        raise Unavailable("no Docker Engine answers")
    # The keeper takes containers away itself, whatever ends the run.
    testcontainers_config.ryuk_disabled = True
    # Ports are published on this machine's loopback, and looked up as such also where tests run in
    # a container themselves.
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host
    try:
        client = DockerClient(timeout=_PATIENCE)
    except ENGINE_ERRORS as error:
        raise Unavailable(f"the Docker Engine does not answer: {error}") from error
    client.client.api.timeout = _LONGEST_PAUSE
    try:
        yield client
    finally:
        client.client.close()


def listens(host: str) -> bool:
    """Whether anybody is behind that socket: where nobody is, docker would leave its end open."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(host.removeprefix(_SOCKET))
        except OSError:
            return False
    return True
