"""A Redis for tests: Valkey as a process."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from tests.support.servers.packages import find_program
from tests.support.servers.process import RunningServer, ServerProcess, free_ports


@dataclass(frozen=True)
class RedisServer(RunningServer):
    """A server, whose keys of tests each have a prefix of their own."""

    prefix: ClassVar = "DIALTONE_TEST_REDIS_"
    url: str

    def find_error(self) -> str:
        try:
            with Redis.from_url(self.url, socket_timeout=5) as client:
                client.ping()
        except RedisError as error:
            return str(error)
        return ""


class RedisProcess(ServerProcess):
    """A Valkey that has each change on disk before it responds, so that it may be killed."""

    name = "valkey-server"
    image = "valkey/valkey:9.1"
    image_variable = "DIALTONE_TEST_REDIS_IMAGE"
    server_type = RedisServer
    server: RedisServer

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        self._options = options
        (self.port,) = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"redis://{self.address}"
        self.server = RedisServer(self.url)

    def command(self) -> list[str]:
        return [str(find_program(self.name)), "--dir", str(self.folder), *self.arguments()]

    def arguments(self) -> list[str]:
        return [
            *("--port", str(self.port), "--bind", self.bind_ip, "--protected-mode", "no"),
            *("--save", "", "--appendonly", "yes", "--appendfsync", "always"),
            *self._options,
        ]

    def is_ready(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=5) as client:
                client.ping()
        except AuthenticationError:  # it has a password
            return True
        except RedisError:
            return False
        return True
