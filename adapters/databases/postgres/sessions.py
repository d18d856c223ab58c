"""What holds in each transaction, and where it is set: in the session, or behind a pooler.

A pooler in transaction mode, such as PgBouncer or the pooled port of hosted PostgreSQL, gives each
transaction a session of the server that other clients use too. There no statement has a name, and
each transaction sets what it needs, together with its statements, and leaves nothing behind.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from adapters.databases.postgres.driver import PostgresConnection, PostgresCursor
from adapters.databases.postgres.url import PostgresUrl
from application.ports.errors import ConfigurationError

Values = Sequence[object]

PREPARE_THRESHOLD: Final = 2
"""A statement has a name from its third execution on, in a session of its own."""
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
# The server gives up after the client has. A process that stops between two statements of a
# transaction must not hold its locks for longer than others wait for them. Where the operator waits
# for standbys, that stays as it is.
_SETTINGS: Final = """
SELECT set_config('statement_timeout', '{statement_timeout}', {is_local}),
    set_config('idle_in_transaction_session_timeout', '{timeout}', {is_local}),
    set_config('synchronous_commit',
        CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'
        ELSE current_setting('synchronous_commit') END, {is_local})
"""
_ISOLATION: Final = ", set_config('default_transaction_isolation', 'read committed', false)"
# A pooler announces a process of its own. A proxy that passes bytes on announces that of the
# server, and the session behind it belongs to the connection.
_IS_POOLED: Final = "SELECT pg_backend_pid() <> {announced}"
_DROPPED_OPTIONS: Final = (
    "{location} is behind a connection pooler, which does not keep the settings of `options` in "
    "the URL: drop them there, and use ALTER ROLE … SET, or name the server itself in the URL."
)


async def find_pooler(connection: PostgresConnection, url: PostgresUrl) -> None:
    """Set whether a pooler is in front of the server. Behind one, no statement gets a name.

    Raises:
        ConfigurationError: The URL has settings, which a pooler drops.
    """
    sql = _IS_POOLED.format(announced=connection.info.backend_pid)
    cursor = await connection.execute(sql, prepare=False)
    [(connection.is_pooled,)] = await cursor.fetchall()
    if not connection.is_pooled:
        return
    connection.prepare_threshold = None
    options = str(url.parameters.get("options") or "")
    # Some options are for the pooler: where it connects to.
    if "-c" in options or "--" in options:
        raise ConfigurationError(_DROPPED_OPTIONS.format(location=url.location))


@dataclass(slots=True)
class Transaction:
    """A transaction, and the statement that ends it."""

    end: str = "COMMIT"


@dataclass(slots=True)
class Sessions:
    """The server sessions of a pool's connections.

    Attributes:
        are_shared: Whether a pooler was in front of the server once. Then all transactions are as
            behind a pooler, because a connection may still be behind one.
    """

    url: PostgresUrl
    are_shared: bool = False

    async def configure(self, connection: PostgresConnection) -> None:
        await find_pooler(connection, self.url)
        if connection.is_pooled:
            self.are_shared = True
        else:
            await connection.execute(self._settings(is_local=False), prepare=False)

    async def execute(
        self, connection: PostgresConnection, sql: str, values: Values = ()
    ) -> PostgresCursor:
        """Execute a statement in a transaction of its own; behind a pooler, in two round trips."""
        if not self.are_shared:
            return await connection.execute(sql, values)
        async with self.transaction(connection):
            return await connection.execute(sql, values)

    async def execute_many(
        self, connection: PostgresConnection, sql: str, rows: Sequence[Values]
    ) -> int:
        cursor = connection.cursor()
        async with self.transaction(connection):
            await cursor.executemany(sql, rows)
        return cursor.rowcount

    @asynccontextmanager
    async def transaction(self, connection: PostgresConnection) -> AsyncIterator[Transaction]:
        """Send the statements of the block together in a transaction."""
        is_shared, transaction = self.are_shared, Transaction()
        async with connection.pipeline():
            if is_shared:
                connection.prepare_threshold = None
            await connection.execute(_BEGIN)
            if is_shared:
                await connection.execute(self._settings(is_local=True))
            yield transaction
            if not is_shared:
                await connection.execute(transaction.end)
        # psycopg ends a pipeline with a Flush after its Sync. If the transaction has ended before,
        # a pooler takes a session for the Flush, and keeps it until the next transaction.
        if is_shared:
            await connection.execute(transaction.end)

    def _settings(self, *, is_local: bool) -> str:
        milliseconds = round(self.url.timeout_seconds * 1000)
        settings = _SETTINGS.format(
            timeout=milliseconds, statement_timeout=milliseconds + 1000, is_local=is_local
        )
        return settings if is_local else settings + _ISOLATION
