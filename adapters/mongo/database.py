"""An open database: one for each process, and every call to it ends in bounded time."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pymongo
from beanie import Document, init_beanie
from beanie.odm.queries.find import FindMany
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener

from adapters.mongo.documents import DOCUMENTS
from adapters.mongo.driver import (
    DRIVER_ERRORS,
    MotorCollection,
    MotorDatabase,
    RawDocument,
    close_client,
    database_of,
    errors_while_opening,
    make_client,
    port_error,
    timeout_seconds_of,
)
from adapters.mongo.tls import find_tls_problem
from adapters.records.batch_loader import BatchLoader
from application.ports.current_request import CURRENT_REQUEST
from application.ports.errors import (
    ConfigurationError,
    StorageTimeout,
    StorageUnavailable,
)

T = TypeVar("T")

BUILD_TIMEOUT: Final = 3600.0
"""Seconds for the indexes of all collections, which may be large."""
MAX_CALLS: Final = int(os.environ.get("MOTOR_MAX_WORKERS") or 5 * (os.cpu_count() or 1))
"""As many as motor has threads. A call that waits for one more has sent nothing."""
GRACE_PERIOD: Final = 0.5
"""Seconds in which the driver, which knows the cause, may report its own timeout."""

_NO_ANSWER: Final = "no answer within {seconds:g} seconds"
TOO_MANY_CALLS: Final = "too many calls wait for the database"
_OUT_OF_TIME: Final = "earlier calls of this request took all of its time"
# Of MongoDB's error_codes.yml: IndexOptionsConflict, IndexKeySpecsConflict.
_INDEX_CONFLICTS: Final = (85, 86)
_OTHER_INDEX: Final = (
    "{location} has an index that differs from the one that Dialtone declares: compare the indexes "
    "of {collection} with docs/operating.md, drop the one that differs, and start again."
)
_ANOTHER_IS_OPEN: Final = (
    "{location} cannot be opened while this process has {other} open by another URL or in another "
    "event loop: close that first, or use another process."
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database, and the timeout of a call in seconds."""

    motor: MotorDatabase
    timeout_seconds: float
    url: str = field(default="", repr=False)
    calls: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_CALLS), repr=False
    )
    loaders: list[BatchLoader[RawDocument]] = field(default_factory=list, repr=False)

    def collection(self, document: type[Document]) -> MotorCollection:
        """Return the collection of these documents."""
        return self.motor[document.Settings.name]

    def find_tls_problem(self) -> str | None:
        """Return why TLS keeps this process from the database, or None."""
        return find_tls_problem(self.url, self.motor.client.delegate.topology_description)

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call to the driver.

        Args:
            call: Begins the call: motor takes a thread for it at once.

        Raises:
            DuplicateKey: a unique index rejected the write.
            CorruptRecord: a document is no valid BSON.
            StorageTimeout: there was no answer in time; a write may have been done.
            StorageUnavailable: the call failed, or too many calls wait.
        """
        return await self.limit(lambda deadline: self._run(call, deadline))

    async def limit(self, call: Callable[[float], Awaitable[T]]) -> T:
        """Make a call with a deadline, a time of the event loop.

        All calls of one request have one timeout together, so that the client gets a response in
        time.

        Raises:
            StorageError
        """
        loop = asyncio.get_running_loop()
        now, request = loop.time(), CURRENT_REQUEST.get()
        if request is None:
            return await call(now + self.timeout_seconds)
        deadline = request.storage_deadline(now, self.timeout_seconds)
        if deadline <= now:
            raise StorageUnavailable(_OUT_OF_TIME)
        request.begin_storage_call(now)
        try:
            return await call(deadline)
        finally:
            request.end_storage_call(loop.time())

    async def _run(self, call: Callable[[], Awaitable[T]], deadline: float) -> T:
        loop = asyncio.get_running_loop()
        is_sent = False
        began_at = loop.time()
        try:
            # The driver limits what a call takes, but not how long it waits for its turn.
            async with asyncio.timeout_at(deadline + GRACE_PERIOD), self.calls:
                seconds = deadline - loop.time()
                if seconds <= 0:
                    raise StorageUnavailable(self.find_tls_problem() or TOO_MANY_CALLS)
                is_sent = True
                with pymongo.timeout(seconds):
                    return await call()
        except TimeoutError:
            if not is_sent:
                raise StorageUnavailable(self.find_tls_problem() or TOO_MANY_CALLS) from None
            no_answer = _NO_ANSWER.format(seconds=round(loop.time() - began_at, 1))
            raise StorageTimeout(self.find_tls_problem() or no_answer) from None
        except DRIVER_ERRORS as error:
            raise port_error(error, self.find_tls_problem()) from None

    async def list_raw(self, query: FindMany[Any], limit: int) -> list[RawDocument]:
        """Return up to `limit` documents that match, as they are stored; `limit` is positive.

        Raises:
            StorageError
        """
        return await self.run(lambda: query.limit(limit).motor_cursor.to_list(None))

    async def delete_oldest(
        self, document: type[Document], expired: Mapping[str, Any], limit: int
    ) -> int:
        """Delete up to `limit` documents that match, those that expired first.

        Raises:
            StorageError
        """
        found = await self.list_raw(document.find(expired).sort("expires_at"), limit)
        if not found:
            return 0
        # A document may have been replaced since, and expire later.
        still_expired = {"_id": {"$in": [raw["_id"] for raw in found]}, **expired}
        collection = self.collection(document)
        result = await self.run(lambda: collection.delete_many(still_expired))
        return result.deleted_count


@dataclass(slots=True)
class _Connection:
    url: str
    location: str
    loop: asyncio.AbstractEventLoop
    connecting: asyncio.Task[Database]
    users: int = 0


# The connection of this process, if there is one.
_CONNECTIONS: Final[list[_Connection]] = []


@asynccontextmanager
async def shared_database(
    url: str, location: str, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[Database]:
    """Connect to the database, or share the open connection to it.

    A process has one database at a time: beanie binds its Documents for the whole process, and
    after a second `init_beanie` calls for the first database would silently go to the second.

    Raises:
        ConfigurationError: the URL cannot be used, or another database is open.
    """
    connection = _connection(url, location, listeners)
    connection.users += 1
    try:
        yield await asyncio.shield(connection.connecting)
    finally:
        connection.users -= 1
        if not connection.users:
            _CONNECTIONS.remove(connection)
            await _close(connection.connecting)


def _connection(url: str, location: str, listeners: Sequence[CommandListener]) -> _Connection:
    loop = asyncio.get_running_loop()
    # A connection that was never closed cannot be used after its event loop.
    _CONNECTIONS[:] = [connection for connection in _CONNECTIONS if not connection.loop.is_closed()]
    for connection in _CONNECTIONS:
        if (connection.url, connection.loop) == (url, loop):
            return connection
        raise ConfigurationError(
            _ANOTHER_IS_OPEN.format(location=location, other=connection.location)
        )
    connecting = asyncio.create_task(_connect(url, location, listeners))
    _CONNECTIONS.append(_Connection(url, location, loop, connecting))
    return _CONNECTIONS[0]


async def _connect(url: str, location: str, listeners: Sequence[CommandListener]) -> Database:
    client = make_client(url, location, listeners)
    try:
        database = Database(database_of(client), timeout_seconds_of(client), url)
        with errors_while_opening(location, database.find_tls_problem):
            await init_beanie(
                database=database.motor, document_models=[*DOCUMENTS], skip_indexes=True
            )
    except BaseException:
        await asyncio.to_thread(close_client, client)
        raise
    return database


async def create_indexes(database: Database, location: str) -> None:
    """Create the indexes that are missing. None is dropped or changed.

    Raises:
        ConfigurationError: an index differs from the declared one.
        PyMongoError
    """
    with pymongo.timeout(BUILD_TIMEOUT):
        for document in DOCUMENTS:
            try:
                await init_beanie(database=database.motor, document_models=[document])
            except OperationFailure as error:
                if error.code not in _INDEX_CONFLICTS:
                    raise
                name = document.Settings.name
                message = _OTHER_INDEX.format(location=location, collection=name)
                raise ConfigurationError(message) from None


async def _close(connecting: asyncio.Task[Database]) -> None:
    connecting.cancel()
    await asyncio.wait([connecting])
    if not connecting.cancelled() and connecting.exception() is None:
        database = connecting.result()
        await asyncio.gather(*(loader.finish() for loader in database.loaders))
        await asyncio.to_thread(close_client, database.motor.client)
