"""An open database: every call to it ends in bounded time."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import pymongo
from beanie import init_beanie
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.monitoring import CommandListener

from adapters.databases.mongo.connection_problems import Heartbeats, find_connection_problem
from adapters.databases.mongo.documents import declared_index, index_model, make_documents
from adapters.databases.mongo.driver import (
    DRIVER_ERRORS,
    NOT_AUTHORIZED,
    MotorDatabase,
    close_client,
    database_of,
    errors_while_opening,
    make_client,
    pool_size_of,
    port_error,
    timeout_seconds_of,
)
from adapters.databases.records.all_kinds import stored_kinds
from adapters.databases.records.call_deadlines import GRACE_PERIOD, Batches, CallDeadlines
from adapters.databases.records.record_kind import Index
from adapters.databases.records.schema_plan import (
    HAS_DUPLICATES,
    SchemaObject,
    describe_rejected_index,
)
from adapters.shared.causes import describe_error
from application.ports.errors import ConfigurationError, StorageError, StorageTimeout

T = TypeVar("T")

BUILD_TIMEOUT: Final = 3600.0
"""Seconds for the indexes of all collections, which may be large."""
MAX_CALLS: Final = int(os.environ.get("MOTOR_MAX_WORKERS") or 5 * (os.cpu_count() or 1))
"""The number of motor's threads. A call that waits for another one has sent nothing."""

_NO_ANSWER: Final = "no answer within {seconds:g} seconds"
INDEX_CONFLICTS: Final = (85, 86)
"""IndexOptionsConflict and IndexKeySpecsConflict in MongoDB's error_codes.yml."""
OTHER_INDEX: Final = (
    "{location} has an index that differs from {index} of {collection}, and has its name or its "
    "fields: stop all instances, drop it as docs/settings.md says, and start again."
)


@dataclass(frozen=True, slots=True)
class MongoDatabase:
    """An open database."""

    motor: MotorDatabase
    deadlines: CallDeadlines
    url: str = field(default="", repr=False)
    heartbeats: Heartbeats = field(default_factory=Heartbeats, repr=False)
    batches: list[Batches] = field(default_factory=list, repr=False)
    """They are finished before the database is closed."""

    def find_connection_problem(self) -> str | None:
        topology = self.motor.client.delegate.topology_description
        has_answer = self.heartbeats.has_answer
        return find_connection_problem(self.url, topology, has_answer=has_answer)

    def errors_while_opening(self, location: str) -> AbstractContextManager[None]:
        return errors_while_opening(location, self.url, self.find_connection_problem)

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call to the driver.

        `call` begins the call: motor takes a thread for it at once.
        """
        return await self.deadlines.limit(lambda deadline: self._run(call, deadline))

    async def wait(self, call: Callable[[], Awaitable[T]], error: type[StorageError]) -> T:
        return await self.deadlines.wait_for_batch(call, error)

    async def _run(self, call: Callable[[], Awaitable[T]], deadline: float) -> T:
        seconds = deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline + GRACE_PERIOD):
                with pymongo.timeout(seconds):
                    return await call()
        except TimeoutError:
            no_answer = _NO_ANSWER.format(seconds=round(seconds, 1))
            raise StorageTimeout(self.find_connection_problem() or no_answer) from None
        except DRIVER_ERRORS as error:
            raise port_error(error, self.find_connection_problem()) from None


@asynccontextmanager
async def connect(
    url: str, location: str, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[MongoDatabase]:
    """Yield the database; the driver connects when it is first used."""
    heartbeats = Heartbeats()
    client = make_client(url, location, [heartbeats, *listeners])
    max_calls = min(MAX_CALLS, pool_size_of(client) or MAX_CALLS)
    deadlines = CallDeadlines(timeout_seconds_of(client), max_calls)
    database = MongoDatabase(database_of(client), deadlines, url, heartbeats)
    try:
        yield database
    finally:
        await asyncio.gather(*(batches.finish() for batches in database.batches))
        await asyncio.to_thread(close_client, client)


async def create_indexes(database: MongoDatabase, location: str) -> None:
    """Create the indexes that are missing. None is dropped or changed.

    Raises:
        ConfigurationError: an index differs from the declared one, or the server refuses one.
    """
    with pymongo.timeout(BUILD_TIMEOUT):
        for kind, document in zip(stored_kinds(), make_documents(), strict=True):
            try:
                await init_beanie(database=database.motor, document_models=[document])
            except OperationFailure:
                # The error does not name the index.
                for index in kind.indexes:
                    declared = declared_index(kind, index)
                    try:
                        await create_index(database, location, declared, index)
                    except DuplicateKeyError:
                        message = HAS_DUPLICATES.format(location=location, name=index.name)
                        raise ConfigurationError(message) from None
                raise


async def create_index(
    database: MongoDatabase, location: str, declared: SchemaObject, index: Index
) -> None:
    """Create an index if it is missing.

    Raises:
        ConfigurationError: it differs from the declared one, or the server refuses it.
        DuplicateKeyError: it is unique, and there are equal values.
    """
    model = index_model(index)
    try:
        await database.motor[declared.table].create_indexes([model])
    except DuplicateKeyError:
        raise
    except OperationFailure as error:
        if error.code == NOT_AUTHORIZED or error.timeout:
            raise
        if error.code in INDEX_CONFLICTS:
            message = OTHER_INDEX.format(
                location=location, index=index.name, collection=declared.table
            )
            raise ConfigurationError(message) from None
        is_partial = "partialFilterExpression" in model.document
        cause = describe_error(error)
        message = describe_rejected_index(location, declared, cause, is_partial=is_partial)
        raise ConfigurationError(message) from None
