"""Servers in containers of a Docker Engine."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from docker.errors import DockerException
from requests.exceptions import RequestException
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tests.support.servers.mongo_process import LOW_RESOURCE_OPTIONS, REPLICA_SET, becomes_primary
from tests.support.servers.process import SourceUnavailable, wait_until
from tests.support.servers.s3_process import MINI_OPTIONS
from tests.support.servers.s3_server import S3Server

MONGO_IMAGE: Final = "DIALTONE_TEST_MONGO_IMAGE"
S3_IMAGE: Final = "DIALTONE_TEST_S3_IMAGE"
IMAGES: Final = {MONGO_IMAGE: "mongo:8.2.12", S3_IMAGE: "chrislusf/seaweedfs:4.48"}
"""The default images; these variables set others."""
ENGINE_ERRORS: Final = (DockerException, RequestException, OSError)
"""The exceptions of the engine and of the connection to it."""
SOCKET: Final = "unix://"

_MONGO_PORT: Final = 27017
_S3_PORT: Final = 8333


@contextmanager
def open_engine() -> Iterator[DockerClient]:
    """Yield a client of the engine; raises SourceUnavailable if none responds."""
    host = get_docker_host() or f"{SOCKET}/var/run/docker.sock"
    if not is_listening(host):
        raise SourceUnavailable(f"no Docker Engine of this machine responds at {host}")
    # Its image is not on each machine; the context managers remove the containers.
    testcontainers_config.ryuk_disabled = True
    # Ports are published at 127.0.0.1, also if the tests run in a container.
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host
    try:
        client = DockerClient(timeout=5)
    except ENGINE_ERRORS as error:
        raise SourceUnavailable(f"the Docker Engine does not respond: {error}") from error
    client.client.api.timeout = 60
    try:
        yield client
    finally:
        client.client.close()


def is_listening(host: str) -> bool:
    """Return whether a process listens at the socket; otherwise docker would leak its own."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(host.removeprefix(SOCKET))
        except OSError:
            return False
    return True


@contextmanager
def mongo(environ: Mapping[str, str]) -> Iterator[str]:
    """Run a MongoDB; yield its URL."""
    command = ["--bind_ip_all", f"--replSet={REPLICA_SET}", *LOW_RESOURCE_OPTIONS]
    with _run(image_name(environ, MONGO_IMAGE), _MONGO_PORT, command) as host:
        url = f"mongodb://{host}/?directConnection=true"
        # The only member of a set does not need its published port.
        wait_until(lambda: becomes_primary(url, f"127.0.0.1:{_MONGO_PORT}"))
        yield url


@contextmanager
def s3(environ: Mapping[str, str]) -> Iterator[S3Server]:
    """Run an S3 server."""
    command = ["mini", "-dir=/data", "-ip=127.0.0.1", "-ip.bind=0.0.0.0", *MINI_OPTIONS]
    with _run(image_name(environ, S3_IMAGE), _S3_PORT, command, S3Server("").environ()) as host:
        server = S3Server(f"http://{host}")
        wait_until(lambda: not server.find_error())
        yield server


def image_name(environ: Mapping[str, str], variable: str) -> str:
    """Return the image in this variable, or the default."""
    return environ.get(variable) or IMAGES[variable]


@contextmanager
def _run(
    image: str, port: int, command: list[str], env: dict[str, str] | None = None
) -> Iterator[str]:
    """Run a container, pulling its image if necessary; yield where its port is published."""
    with open_engine(), ExitStack() as stack:
        container = DockerContainer(image, env=env).with_command(command)
        published: Any = ("127.0.0.1", None)  # the engine chooses the port
        container.ports[str(port)] = published
        try:
            stack.enter_context(container)
        except (*ENGINE_ERRORS, TimeoutError, RuntimeError) as error:
            raise SourceUnavailable(f"{container.image} does not run: {error}") from error
        yield f"127.0.0.1:{container.get_exposed_port(port)}"
