"""Servers in containers, where a Docker Engine answers."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import CompositeWaitStrategy, LogMessageWaitStrategy
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from tests.support.servers.docker_engine import ENGINE_ERRORS, engine
from tests.support.servers.mongo_process import SMALL
from tests.support.servers.refusals import Unavailable
from tests.support.servers.replica_set import REPLICA_SET, initiate, is_primary
from tests.support.servers.s3_process import LEAN
from tests.support.servers.s3_server import S3Server
from tests.support.servers.s3_trial import S3Trial

MONGO_IMAGE: Final = "DIALTONE_TEST_MONGO_IMAGE"
S3_IMAGE: Final = "DIALTONE_TEST_S3_IMAGE"
IMAGES: Final = {MONGO_IMAGE: "mongo:8.2.12", S3_IMAGE: "chrislusf/seaweedfs:4.48"}
"""The images that serve, unless these variables name others."""

_MONGO_PORT: Final = 27017
_S3_PORT: Final = 8333


@contextmanager
def mongo(environ: Mapping[str, str]) -> Iterator[str]:
    """A MongoDB in a container."""
    container = _container(environ, MONGO_IMAGE)
    container.with_command(["--bind_ip_all", f"--replSet={REPLICA_SET}", *SMALL])
    listens = LogMessageWaitStrategy(re.compile("Waiting for connections")).with_poll_interval(0.05)
    container.waiting_for(CompositeWaitStrategy(listens, Serves(_MONGO_PORT, _becomes_primary)))
    with _published(container, _MONGO_PORT) as address:
        yield _mongo_url(address)


@contextmanager
def s3(environ: Mapping[str, str]) -> Iterator[S3Server]:
    """An S3 server in a container."""
    container = _container(environ, S3_IMAGE)
    container.with_envs(**S3Server("").environ())
    container.with_command(["mini", "-dir=/data", "-ip=127.0.0.1", "-ip.bind=0.0.0.0", *LEAN])
    container.waiting_for(Serves(_S3_PORT, lambda address: S3Trial(_s3(address)).succeeds()))
    with _published(container, _S3_PORT) as address:
        yield _s3(address)


class Serves(WaitStrategy):
    """Wait until a client at the published port gets what the server is there for."""

    def __init__(self, port: int, serves: Callable[[str], bool]) -> None:
        super().__init__()
        self._port = port
        self._serves = serves
        self.with_poll_interval(0.05).with_startup_timeout(60)

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        if not self._poll(lambda: self._serves(_address(container, self._port))):
            raise TimeoutError("it does not serve after a minute")


def image(environ: Mapping[str, str], variable: str) -> str:
    """The image that this variable names, or the usual one."""
    return environ.get(variable) or IMAGES[variable]


def _container(environ: Mapping[str, str], variable: str) -> DockerContainer:
    with engine():
        return DockerContainer(image(environ, variable))


@contextmanager
def _published(container: DockerContainer, port: int) -> Iterator[str]:
    """Start it, with its image fetched if need be, and this port at an address of the loopback."""
    here: Any = ("127.0.0.1", None)  # the engine picks the other port
    container.ports[str(port)] = here
    with ExitStack() as running:
        try:
            running.enter_context(container)
        except (*ENGINE_ERRORS, TimeoutError, RuntimeError) as error:
            raise Unavailable(f"{container.image} does not run: {error}") from error
        yield _address(container, port)


def _address(container: WaitStrategyTarget, port: int) -> str:
    return f"127.0.0.1:{container.get_exposed_port(port)}"


def _mongo_url(address: str) -> str:
    return f"mongodb://{address}/?directConnection=true"


def _becomes_primary(address: str) -> bool:
    # The one member is its whole set: it need not know at which address others reach it.
    initiate(_mongo_url(address), [f"127.0.0.1:{_MONGO_PORT}"])
    return is_primary(_mongo_url(address))


def _s3(address: str) -> S3Server:
    return S3Server(f"http://{address}")
