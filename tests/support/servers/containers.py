"""Servers in containers of a Docker Engine."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import CompositeWaitStrategy, LogMessageWaitStrategy
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from tests.support.servers.docker_engine import ENGINE_ERRORS, open_engine
from tests.support.servers.errors import SourceUnavailable
from tests.support.servers.mongo_process import LOW_RESOURCE_OPTIONS
from tests.support.servers.replica_set import REPLICA_SET, initiate, is_primary
from tests.support.servers.s3_process import MINI_OPTIONS
from tests.support.servers.s3_server import S3HealthCheck, S3Server

MONGO_IMAGE: Final = "DIALTONE_TEST_MONGO_IMAGE"
S3_IMAGE: Final = "DIALTONE_TEST_S3_IMAGE"
IMAGES: Final = {MONGO_IMAGE: "mongo:8.2.12", S3_IMAGE: "chrislusf/seaweedfs:4.48"}
"""The default images; these variables set others."""

_MONGO_PORT: Final = 27017
_S3_PORT: Final = 8333


@contextmanager
def mongo(environ: Mapping[str, str]) -> Iterator[str]:
    """Run a MongoDB; yield its URL."""
    container = _container(environ, MONGO_IMAGE)
    container.with_command(["--bind_ip_all", f"--replSet={REPLICA_SET}", *LOW_RESOURCE_OPTIONS])
    listens = LogMessageWaitStrategy(re.compile("Waiting for connections")).with_poll_interval(0.05)
    container.waiting_for(CompositeWaitStrategy(listens, IsReady(_MONGO_PORT, _becomes_primary)))
    with _start(container, _MONGO_PORT) as host:
        yield _mongo_url(host)


@contextmanager
def s3(environ: Mapping[str, str]) -> Iterator[S3Server]:
    """Run an S3 server."""
    container = _container(environ, S3_IMAGE)
    container.with_envs(**S3Server("").environ())
    bind = ("-ip=127.0.0.1", "-ip.bind=0.0.0.0")
    container.with_command(["mini", "-dir=/data", *bind, *MINI_OPTIONS])
    container.waiting_for(IsReady(_S3_PORT, lambda host: S3HealthCheck(_s3(host)).is_healthy()))
    with _start(container, _S3_PORT) as host:
        yield _s3(host)


class IsReady(WaitStrategy):
    """Wait until the check of the published port succeeds."""

    def __init__(self, port: int, is_ready: Callable[[str], bool]) -> None:
        super().__init__()
        self._port = port
        self._is_ready = is_ready
        self.with_poll_interval(0.05).with_startup_timeout(60)

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        if not self._poll(lambda: self._is_ready(_host(container, self._port))):
            raise TimeoutError("it is not ready after a minute")


def image_name(environ: Mapping[str, str], variable: str) -> str:
    """Return the image in this variable, or the default."""
    return environ.get(variable) or IMAGES[variable]


def _container(environ: Mapping[str, str], variable: str) -> DockerContainer:
    with open_engine():
        return DockerContainer(image_name(environ, variable))


@contextmanager
def _start(container: DockerContainer, port: int) -> Iterator[str]:
    """Start it, pulling its image if necessary; yield the host and port that it is published at."""
    published: Any = ("127.0.0.1", None)  # the engine chooses the port
    container.ports[str(port)] = published
    with ExitStack() as stack:
        try:
            stack.enter_context(container)
        except (*ENGINE_ERRORS, TimeoutError, RuntimeError) as error:
            raise SourceUnavailable(f"{container.image} does not run: {error}") from error
        yield _host(container, port)


def _host(container: WaitStrategyTarget, port: int) -> str:
    return f"127.0.0.1:{container.get_exposed_port(port)}"


def _mongo_url(host: str) -> str:
    return f"mongodb://{host}/?directConnection=true"


def _becomes_primary(host: str) -> bool:
    # The only member of a set does not need its published port.
    initiate(_mongo_url(host), [f"127.0.0.1:{_MONGO_PORT}"])
    return is_primary(_mongo_url(host))


def _s3(host: str) -> S3Server:
    return S3Server(f"http://{host}")
