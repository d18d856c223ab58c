"""An open database: one for each process, and every call to it ends in bounded time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from beanie import Document, init_beanie
from beanie.odm.queries.find import FindMany
from pymongo.monitoring import CommandListener

from adapters.mongo.deadline import Deadline
from adapters.mongo.documents import DOCUMENTS
from adapters.mongo.driver import (
    DRIVER_ERRORS,
    AsynchronousCollection,
    AsynchronousDatabase,
    MotorCollection,
    MotorDatabase,
    RawDocument,
    asynchronous_database_of,
    close_clients,
    database_of,
    errors_while_opening,
    make_clients,
    port_error,
    timeout_seconds_of,
)
from adapters.mongo.primary import ELECTION_TIMEOUT, Primary
from adapters.mongo.tls import find_tls_problem
from application.ports.errors import ConfigurationError, StorageError, StorageTimeout

T = TypeVar("T")

DELETE_BATCH_SIZE: Final = 200

_NO_ANSWER: Final = "no answer within {seconds:g} seconds"
_ANOTHER_IS_OPEN: Final = (
    "{location} cannot be opened while this process has {other} open by another URL or in another "
    "event loop: close that first, or use another process."
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database, and the timeout of a call in seconds."""

    motor: MotorDatabase
    asynchronous: AsynchronousDatabase
    timeout_seconds: float
    url: str = field(default="", repr=False, kw_only=True)
    primary: Primary = field(default_factory=Primary, repr=False, kw_only=True)

    def collection(self, document: type[Document]) -> MotorCollection:
        """Return the collection of these documents."""
        return self.motor[document.Settings.name]

    def in_event_loop(self, collection: MotorCollection) -> AsynchronousCollection:
        """Return the same collection, with the same options, for calls in the event loop."""
        return self.asynchronous.get_collection(
            collection.name,
            codec_options=collection.codec_options,
            read_preference=collection.read_preference,
            write_concern=collection.write_concern,
            read_concern=collection.read_concern,
        )

    def find_tls_problem(self) -> str | None:
        """Return why TLS keeps this process from the database, or None."""
        # A client without calls looks for a server every ten seconds only.
        clients = (self.motor.client.delegate, self.asynchronous.client)
        problems = (find_tls_problem(self.url, client.topology_description) for client in clients)
        return next((problem for problem in problems if problem), None)

    async def run(
        self, call: Callable[[], Awaitable[T]], timeout_seconds: float | None = None
    ) -> T:
        """Make a call to the driver, after an election that is under way.

        Args:
            call: Begins the call: motor takes a thread for it at once.
            timeout_seconds: The timeout of the call; `self.timeout_seconds` by default.

        Raises:
            DuplicateKey: a unique index rejected the write.
            CorruptRecord: a document is no valid BSON.
            StorageTimeout: there was no answer in time; a write may have been done.
            StorageUnavailable: the call failed, or too many requests wait for a primary.
        """
        if self.primary.is_lost:
            await self.primary.wait()
        seconds = timeout_seconds or self.timeout_seconds
        try:
            # The driver limits what a call takes, but not how long it waits for its turn.
            async with asyncio.timeout(seconds) as timeout:
                self.primary.add_call(timeout)
                try:
                    return await call()
                finally:
                    self.primary.remove_call(timeout)
        except TimeoutError:
            no_answer = _NO_ANSWER.format(seconds=seconds)
            raise StorageTimeout(self.find_tls_problem() or no_answer) from None
        except DRIVER_ERRORS as error:
            raise port_error(error, self.find_tls_problem()) from None

    def wait_for(self, request: Callable[[], asyncio.Future[T]]) -> Awaitable[T]:
        """Wait for a part of a batch, after an election that is under way, like `run`.

        It is under way at once, and a future, unless there is an election.

        Args:
            request: Adds the part to a batch.

        Raises:
            CorruptRecord
            StorageError
        """
        if self.primary.is_lost:
            return self._wait_for_primary(request)
        result = request()
        deadline = Deadline(result, self.timeout_seconds, self._timeout_error)
        self.primary.add_call(deadline)
        result.add_done_callback(partial(self._end_call, deadline))
        return result

    async def _wait_for_primary(self, request: Callable[[], asyncio.Future[T]]) -> T:
        await self.primary.wait()
        return await self.wait_for(request)

    def _end_call(self, deadline: Deadline, _result: asyncio.Future[T]) -> None:
        self.primary.remove_call(deadline)
        deadline.cancel()

    def _timeout_error(self) -> StorageTimeout:
        no_answer = _NO_ANSWER.format(seconds=self.timeout_seconds)
        return StorageTimeout(self.find_tls_problem() or no_answer)

    async def read_batch(self, call: Callable[[], Awaitable[T]]) -> T:
        """Read for many requests, which count themselves; repeat what an election interrupts.

        Raises:
            CorruptRecord
            StorageError
        """
        while True:
            await self.primary.wait_for_batch()
            try:
                async with asyncio.timeout(self.timeout_seconds):
                    return await call()
            except TimeoutError:
                raise StorageTimeout(_NO_ANSWER.format(seconds=self.timeout_seconds)) from None
            except DRIVER_ERRORS as error:
                failure = port_error(error, self.find_tls_problem())
                if not (self.primary.is_lost and isinstance(failure, StorageError)):
                    raise failure from None

    async def write_batch(self, call: Callable[[], Awaitable[T]]) -> T:
        """Write for many requests, which count themselves and have timeouts of their own.

        Raises:
            DuplicateKey: an index rejected a write.
            StorageError
        """
        await self.primary.wait_for_batch()
        seconds = self.timeout_seconds + ELECTION_TIMEOUT
        try:
            async with asyncio.timeout(seconds):
                return await call()
        except TimeoutError:
            raise StorageTimeout(_NO_ANSWER.format(seconds=seconds)) from None
        except DRIVER_ERRORS as error:
            raise port_error(error, self.find_tls_problem()) from None

    async def list_raw(self, query: FindMany[Any], limit: int) -> list[RawDocument]:
        """Return up to `limit` documents that match, as they are stored.

        Raises:
            StorageError
        """
        if limit < 1:
            return []  # for MongoDB 0 is no limit
        return await self.run(lambda: query.limit(limit).motor_cursor.to_list(None))

    async def delete_expired(self, document: type[Document], now: datetime, limit: int) -> int:
        """Delete up to `limit` documents that have expired, and return how many.

        A TTL index would go by the server's clock instead of `now`, at times of its own.

        Raises:
            StorageError
        """
        deleted = 0
        while deleted < limit:
            batch_size = min(limit - deleted, DELETE_BATCH_SIZE)
            count = await self._delete_expired_batch(document, now, batch_size)
            deleted += count
            if count < batch_size:
                break
        return deleted

    async def _delete_expired_batch(
        self, document: type[Document], now: datetime, limit: int
    ) -> int:
        expired = {"expires_at": {"$lte": now}}
        found = await self.list_raw(document.find(expired).sort("expires_at"), limit)
        ids = [raw["_id"] for raw in found]
        if not ids:
            return 0
        # A document may have been replaced since, and expire later.
        result = await self.run(
            lambda: self.collection(document).delete_many({"_id": {"$in": ids}, **expired})
        )
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
    primary = Primary()
    client, asynchronous_client = make_clients(url, location, [*listeners, primary])
    try:
        database = Database(
            database_of(client),
            asynchronous_database_of(asynchronous_client),
            timeout_seconds_of(client),
            url=url,
            primary=primary,
        )
        with errors_while_opening(location, database.find_tls_problem):
            # `adapters.mongo.indexes` makes the indexes: beanie stops at the first that differs.
            await init_beanie(
                database=database.motor, document_models=[*DOCUMENTS], skip_indexes=True
            )
            # Otherwise the first request would start the tasks of this client, in its own context.
            # beanie has found a server by then: a client that is closed while its tasks connect
            # leaves sockets open.
            await asynchronous_client.admin.command("ping")
    except BaseException:
        await close_clients(client, asynchronous_client)
        raise
    return database


async def _close(connecting: asyncio.Task[Database]) -> None:
    connecting.cancel()
    await asyncio.wait([connecting])
    if not connecting.cancelled() and connecting.exception() is None:
        database = connecting.result()
        await close_clients(database.motor.client, database.asynchronous.client)
