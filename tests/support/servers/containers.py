"""Servers in containers of a Docker Engine."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.support.servers.docker_engine import ENGINE_ERRORS, open_engine
from tests.support.servers.errors import SourceUnavailable
from tests.support.servers.mongo_process import (
    LOW_RESOURCE_OPTIONS,
    REPLICA_SET,
    initiate,
    is_primary,
)
from tests.support.servers.process import wait_until
from tests.support.servers.s3_process import MINI_OPTIONS
from tests.support.servers.s3_server import S3Bucket, S3Server

MONGO_IMAGE: Final = "DIALTONE_TEST_MONGO_IMAGE"
S3_IMAGE: Final = "DIALTONE_TEST_S3_IMAGE"
IMAGES: Final = {MONGO_IMAGE: "mongo:8.2.12", S3_IMAGE: "chrislusf/seaweedfs:4.48"}
"""The default images; these variables set others."""

_MONGO_PORT: Final = 27017
_S3_PORT: Final = 8333


@contextmanager
def mongo(environ: Mapping[str, str]) -> Iterator[str]:
    """Run a MongoDB; yield its URL."""

    def configure(container: DockerContainer) -> None:
        container.with_command(["--bind_ip_all", f"--replSet={REPLICA_SET}", *LOW_RESOURCE_OPTIONS])
        container.waiting_for(LogMessageWaitStrategy(re.compile("Waiting for connections")))

    with _run(environ, MONGO_IMAGE, _MONGO_PORT, configure) as host:
        url = f"mongodb://{host}/?directConnection=true"
        # The only member of a set does not need its published port.
        initiate(url, [f"127.0.0.1:{_MONGO_PORT}"])
        wait_until(lambda: is_primary(url))
        yield url


@contextmanager
def s3(environ: Mapping[str, str]) -> Iterator[S3Server]:
    """Run an S3 server."""

    def configure(container: DockerContainer) -> None:
        container.with_envs(**S3Server("").environ())
        bind = ("-ip=127.0.0.1", "-ip.bind=0.0.0.0")
        container.with_command(["mini", "-dir=/data", *bind, *MINI_OPTIONS])

    with _run(environ, S3_IMAGE, _S3_PORT, configure) as host:
        server = S3Server(f"http://{host}")
        wait_until(lambda: not S3Bucket(server).find_error())
        yield server


def image_name(environ: Mapping[str, str], variable: str) -> str:
    """Return the image in this variable, or the default."""
    return environ.get(variable) or IMAGES[variable]


@contextmanager
def _run(
    environ: Mapping[str, str],
    variable: str,
    port: int,
    configure: Callable[[DockerContainer], None],
) -> Iterator[str]:
    """Run a container, pulling its image if necessary; yield where its port is published."""
    with open_engine(), ExitStack() as stack:
        container = DockerContainer(image_name(environ, variable))
        configure(container)
        published: Any = ("127.0.0.1", None)  # the engine chooses the port
        container.ports[str(port)] = published
        try:
            stack.enter_context(container)
        except (*ENGINE_ERRORS, TimeoutError, RuntimeError) as error:
            raise SourceUnavailable(f"{container.image} does not run: {error}") from error
        yield f"127.0.0.1:{container.get_exposed_port(port)}"
