"""What the tests of the MongoDB adapter share: servers, sent commands, query plans."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from adapters.databases.mongo.database import MongoDatabase
from adapters.databases.mongo.documents import METADATA_COLLECTION
from adapters.databases.mongo.metadata import METADATA_ID
from adapters.databases.mongo.opening import open_database, stores_in
from adapters.databases.records.database import Database
from adapters.databases.records.database_metadata import SCHEMA_VERSION
from adapters.databases.records.repositories import make_repositories
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import OpenRepositories, with_stores
from tests.support.servers.mongo import MongoProcess

Client = MongoClient[dict[str, Any]]
Command = Mapping[str, Any]
T = TypeVar("T")

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()

# A range of an index may end with the last date of MongoDB, which Python does not have.
_ANY_DATE: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_MS)

# Iterations of the event loop, more than a call takes to reach the driver.
_ITERATIONS: Final = 20

# Parts of commands that explain does not accept.
_NOT_EXPLAINED: Final = {
    "$clusterTime",
    "$db",
    "$readPreference",
    "lsid",
    "maxTimeMS",
    "readConcern",
    "txnNumber",
    "writeConcern",
}


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


@dataclass(slots=True)
class RoundTrips:
    """The commands of each round trip to the database, one round trip after another.

    Calls that are under way together are one round trip: nobody gets a result before each of them
    has one. So a call that waits for another is in a later round trip, however long each takes.
    """

    log: CommandLog
    commands: list[list[str]] = field(default_factory=list)
    _under_way: int = 0
    _end: asyncio.Event | None = None

    @asynccontextmanager
    async def join(self) -> AsyncIterator[None]:
        end = self._end = self._end or asyncio.Event()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            # Calls that do not depend on this one start within these iterations.
            for _ in range(_ITERATIONS):
                await asyncio.sleep(0)
            if not self._under_way and self._end is end:
                self._end = None
                self.commands.append(sorted(self.log.names))
                self.log.sent.clear()
                end.set()
            await end.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockstepDatabase(MongoDatabase):
    """A database whose calls are in round trips."""

    round_trips: RoundTrips

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        async with self.round_trips.join():
            return await MongoDatabase.run(self, call)


@asynccontextmanager
async def open_lockstep(url: str) -> AsyncIterator[tuple[OpenRepositories, RoundTrips]]:
    """Open the repositories, and record the round trips from then on."""
    log = CommandLog()
    async with open_database(url, KEY_FINGERPRINT, [log]) as opened:
        round_trips = RoundTrips(log)
        database = LockstepDatabase(
            opened.motor, opened.deadlines, batches=opened.batches, round_trips=round_trips
        )
        log.sent.clear()
        stores = stores_in(database)
        repositories = make_repositories(stores, FakePhoneEncryption())
        yield with_stores(repositories, stores), round_trips


@asynccontextmanager
async def open_logged(url: str) -> AsyncIterator[tuple[Database, CommandLog]]:
    """Open the database, and log the commands that are sent from then on."""
    log = CommandLog()
    async with open_database(url, KEY_FINGERPRINT, [log]) as database:
        log.sent.clear()
        yield stores_in(database), log


@contextmanager
def with_metadata_of(url: str, key_fingerprint: str) -> Iterator[None]:
    """Let an emptied database be one of these keys in the block: to create one takes longer.

    The database may be open elsewhere, as one of the keys of the fakes.
    """
    with Client(url) as client:
        metadata = client.get_default_database()[METADATA_COLLECTION]

        def write(fingerprint: str) -> None:
            fields = {"schema_version": SCHEMA_VERSION, "key_fingerprint": fingerprint}
            metadata.replace_one({"_id": METADATA_ID}, fields, upsert=True)

        write(key_fingerprint)
        try:
            yield
        finally:
            write(KEY_FINGERPRINT)


def statements(command: Command) -> list[Command]:
    """The command for each of its updates alone: MongoDB explains no others."""
    if "updates" not in command:
        return [command]
    return [{**command, "updates": [update]} for update in command["updates"]]


def plan(client: Client, database: str, command: Command) -> list[str]:
    """The stages of a command's query plan, with the names of the indexes that they read."""
    return list(_stages(_explain(client, database, command)))


def _explain(client: Client, database: str, command: Command) -> Mapping[str, Any]:
    explained = {name: value for name, value in command.items() if name not in _NOT_EXPLAINED}
    return client[database].command(
        "explain", explained, verbosity="queryPlanner", codec_options=_ANY_DATE
    )


def _stages(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if "stage" in part:
            yield " ".join([part["stage"], *([part["indexName"]] if "indexName" in part else [])])
        for name, inner in part.items():
            if name != "rejectedPlans":
                yield from _stages(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _stages(inner)
