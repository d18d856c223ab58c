"""An open database: every call to it ends in bounded time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from adapters.databases.postgres.driver import (
    READ_ONLY,
    ConnectionLost,
    PostgresConnection,
    port_error,
    silence_driver,
)
from adapters.databases.postgres.opening_errors import explain
from adapters.databases.postgres.sessions import PREPARE_THRESHOLD, Sessions, Values
from adapters.databases.postgres.url import PostgresUrl
from adapters.databases.records.call_deadlines import Batches, CallDeadlines
from application.ports.errors import CorruptRecord, StorageError, StorageTimeout, StorageUnavailable

T = TypeVar("T")
_Call = Callable[[PostgresConnection], Awaitable[T]]

MIN_CONNECTIONS: Final = 2
CLOSE_TIMEOUT: Final = 5.0

OTHER_SHAPE: Final = "the rows that were read are not those of this statement"
_NO_ANSWER: Final = "no answer within {seconds:g} seconds"
_NO_CONNECTION: Final = "there is no connection to a server that accepts writes"
_CLOSED: Final = "the database is closed"
_OPEN: Final = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """An open database."""

    pool: AsyncConnectionPool[PostgresConnection]
    sessions: Sessions
    deadlines: CallDeadlines
    batches: list[Batches] = field(default_factory=list, repr=False)
    """They are finished before the database is closed."""

    async def read(self, sql: str, values: Values = ()) -> list[TupleRow]:
        """Return the rows of a statement that changes nothing.

        If its connection was lost, it is repeated once on another one.
        """

        async def read(connection: PostgresConnection) -> list[TupleRow]:
            cursor = await self.sessions.execute(connection, sql, values)
            return [*await cursor.fetchall()]

        return await self.deadlines.limit(lambda deadline: self._read(read, deadline))

    async def read_number(self, sql: str, values: Values = ()) -> int:
        match await self.read(sql, values):
            case [(int() as number,)]:
                return number
            case _:
                raise StorageUnavailable(OTHER_SHAPE)

    async def write(self, sql: str, values: Values = ()) -> int:
        """Execute a statement, and return how many rows it changed. It is durable."""

        async def write(connection: PostgresConnection) -> int:
            return (await self.sessions.execute(connection, sql, values)).rowcount

        return await self.run(write)

    async def run(self, call: _Call[T]) -> T:
        return await self.deadlines.limit(lambda deadline: self._run(call, deadline, is_write=True))

    async def wait(self, call: Callable[[], Awaitable[T]], error: type[StorageError]) -> T:
        return await self.deadlines.wait_for_batch(call, error)

    async def _read(self, call: _Call[T], deadline: float) -> T:
        try:
            return await self._run(call, deadline, is_write=False)
        except ConnectionLost:
            return await self._run(call, deadline, is_write=False)

    async def _run(self, call: _Call[T], deadline: float, *, is_write: bool) -> T:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        connection = await self._take_connection(deadline)
        try:
            with connection.deadline(deadline):
                try:
                    return await call(connection)
                finally:
                    await _end_transaction(connection)
        except psycopg.Error as error:
            if connection.is_aborted:
                seconds = round(loop.time() - began_at, 1)
                raise StorageTimeout(_NO_ANSWER.format(seconds=seconds)) from None
            if error.sqlstate == READ_ONLY:
                # The server is no longer the primary.
                await connection.close()
                await self.pool.drain()
            raise port_error(error, is_write=is_write) from None
        except UnicodeDecodeError:
            # The server does not check again what it has stored.
            raise CorruptRecord("a column is not UTF-8") from None
        finally:
            await self.pool.putconn(connection)

    async def _take_connection(self, deadline: float) -> PostgresConnection:
        """Take one that is free, or wait until it is open: no more calls are made than there are.

        Raises:
            StorageUnavailable
        """
        loop = asyncio.get_running_loop()
        try:
            while True:
                connection = await self.pool.getconn(deadline - loop.time())
                if not connection.has_news():
                    return connection
                await connection.close()
                await self.pool.putconn(connection)
        except PoolClosed:
            raise StorageUnavailable(_CLOSED) from None
        except PoolTimeout:
            failure = self.pool.connection_class.last_failure
            details = explain(failure, self.sessions.url.location) if failure else ""
            raise StorageUnavailable(_NO_CONNECTION, details) from None


async def _end_transaction(connection: PostgresConnection) -> None:
    """Roll back what an error has left, while there is a deadline: the pool would have none."""
    if connection.info.transaction_status in _OPEN:
        await connection.rollback()


@asynccontextmanager
async def open_pool(url: PostgresUrl) -> AsyncIterator[PostgresDatabase]:
    """Yield the database; connections are opened when they are needed."""
    silence_driver()
    sessions = Sessions(url)

    async def configure(connection: PostgresConnection) -> None:
        # The pool waits for as long as this takes.
        with connection.deadline(asyncio.get_running_loop().time() + url.timeout_seconds):
            await sessions.configure(connection)

    pool = AsyncConnectionPool(
        # A class of its own, since it remembers the failures of this pool.
        connection_class=type("PoolConnection", (PostgresConnection,), {}),
        kwargs={**url.parameters, "autocommit": True, "prepare_threshold": PREPARE_THRESHOLD},
        configure=configure,
        min_size=min(MIN_CONNECTIONS, url.pool_size),
        max_size=url.pool_size,
        # Until then those who wait have given up. The next of them begins another attempt.
        reconnect_timeout=url.timeout_seconds,
        open=False,
    )
    await pool.open()
    database = PostgresDatabase(pool, sessions, CallDeadlines(url.timeout_seconds, url.pool_size))
    try:
        yield database
    finally:
        await asyncio.gather(*(batches.finish() for batches in database.batches))
        await pool.close(CLOSE_TIMEOUT)
