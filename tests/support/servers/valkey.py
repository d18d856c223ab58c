"""Valkey, a Redis, as a process."""

from contextlib import suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.support.servers.packages import find_program
from tests.support.servers.process import ServerProcess, free_ports


class ValkeyProcess(ServerProcess):
    """A Valkey that has each change on disk before it responds, so that it may be killed."""

    name = "valkey-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [
            *(str(find_program(self.name)), "--dir", str(self.folder)),
            *("--port", str(self.port), "--bind", self.bind_ip),
            *("--save", "", "--appendonly", "yes", "--appendfsync", "always"),
        ]

    def is_ready(self) -> bool:
        with suppress(RedisError), Redis.from_url(self.url, socket_timeout=5) as client:
            return bool(client.ping())
        return False
