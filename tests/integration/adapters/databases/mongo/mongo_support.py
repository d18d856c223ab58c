"""What the tests of the MongoDB adapter share: a server, and the commands that were sent."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from adapters.databases.mongo.opening import open_database, stores_in
from adapters.databases.records.database import Database
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.mongo import MongoProcess

Command = Mapping[str, Any]

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()


class StandaloneMongo(MongoProcess):
    """A mongod without a replica set."""

    def arguments(self) -> list[str]:
        return [part for part in super().arguments() if not part.startswith("--replSet")]

    def is_ready(self) -> bool:
        return self.is_listening()

    def database_url(self, name: str, options: str = "", user: str = "") -> str:
        """The URL of a database on this server."""
        return f"mongodb://{user}{self.address}/{name}{options}"


class CommandLog(CommandListener):
    """All commands that the driver sent, in order."""

    def __init__(self) -> None:
        self.sent: list[Command] = []

    @property
    def names(self) -> list[str]:
        return [next(iter(command)) for command in self.sent]

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name != "endSessions":
            self.sent.append(event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@asynccontextmanager
async def open_logged(url: str) -> AsyncIterator[tuple[Database, CommandLog]]:
    """Open the database, and log the commands that are sent from then on."""
    log = CommandLog()
    async with open_database(url, KEY_FINGERPRINT, [log]) as database:
        log.sent.clear()
        yield stores_in(database), log
