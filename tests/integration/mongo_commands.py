"""What the driver sends to MongoDB, as tests look at it."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from adapters.mongo.database import Database
from adapters.mongo.reads import Reads
from adapters.mongo.records import open_database, records_in
from application.ports.repositories import Repositories
from tests.support.fakes.seal import FakeSeal

Command = Mapping[str, Any]
T = TypeVar("T")

# A range of an index may end with the last date that MongoDB has, which Python has not.
_ANY_DATE: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_MS)

# What a command says of its session, and explain does not take.
_ASIDE: Final = {
    "$clusterTime",
    "$db",
    "$readPreference",
    "lsid",
    "maxTimeMS",
    "readConcern",
    "txnNumber",
    "writeConcern",
}


class Commands(CommandListener):
    """Every command that was sent, in order."""

    def __init__(self) -> None:
        self.sent: list[Command] = []

    @property
    def names(self) -> list[str]:
        """The first word of each."""
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
    """How often the service waited for the database, one wait after another.

    What goes out while an answer is waited for costs no time of its own. This counts where the
    service waits, not when commands leave: that is up to the driver's threads.
    """

    count: int = 0
    under_way: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        self.count += not self.under_way
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


@dataclass(frozen=True, slots=True)
class CountedDatabase(Database):
    """A database that counts the waits for it."""

    round_trips: RoundTrips

    async def answer(self, call: Awaitable[T], patience: float | None = None) -> T:
        with self.round_trips.one():
            return await Database.answer(self, call, patience)


def plan(client: MongoClient[dict[str, Any]], database: str, command: Command) -> list[str]:
    """How MongoDB carries a command out: its stages, with the names of the indexes they read."""
    return list(_stages(_explained(client, database, command, "queryPlanner")))


def examined(
    client: MongoClient[dict[str, Any]], database: str, command: Command
) -> tuple[int, int]:
    """How many keys of indexes and how many documents MongoDB looks at for a command."""
    told = _explained(client, database, command, "executionStats")["executionStats"]
    return told["totalKeysExamined"], told["totalDocsExamined"]


def _explained(
    client: MongoClient[dict[str, Any]], database: str, command: Command, verbosity: str
) -> Mapping[str, Any]:
    asked = {name: value for name, value in command.items() if name not in _ASIDE}
    return client[database].command("explain", asked, verbosity=verbosity, codec_options=_ANY_DATE)


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


@asynccontextmanager
async def watched(
    url: str, round_trips: RoundTrips | None = None
) -> AsyncIterator[tuple[Repositories, Commands]]:
    """Open the records there, and note what is sent from then on."""
    commands = Commands()
    async with open_database(url, FakeSeal(), [commands]) as opened:
        database = CountedDatabase(opened.motor, opened.patience, round_trips or RoundTrips())
        reads = Reads.of(database)
        commands.sent.clear()
        yield records_in(database, reads, FakeSeal()), commands
        await reads.finish()
