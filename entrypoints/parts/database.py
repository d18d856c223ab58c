"""The database, and the library that it needs."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapters.databases.records.call_deadlines import limit_own_calls
from adapters.databases.records.database import CopyableDatabase, Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.store_calls import guard_database, wrap_database, wrap_store
from adapters.databases.records.undeclared_records import check_declared
from application.ports.errors import ConfigurationError
from application.ports.limits import LimitStore
from entrypoints.parts.extras import check_extra
from entrypoints.parts.factories import open_adapter
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import (
    DatabaseLocation,
    Factory,
    MongoLocation,
    PostgresLocation,
    SqliteLocation,
)

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics


class DatabaseAdapter(Protocol):
    """A database's adapter, as jobs of an operator use it; the place is a path or a URL."""

    async def locate_missing(self, place: Any, /) -> str | None:
        """Return where a database is that does not exist or is empty, otherwise None."""

    def open_existing(
        self, place: Any, key_fingerprint: str | None, /
    ) -> AbstractAsyncContextManager[CopyableDatabase | None]:
        """Open a database as it is. Yield None if it is new."""

    def open_to_copy(
        self, place: Any, key_fingerprint: str, /
    ) -> AbstractAsyncContextManager[CopyableDatabase]:
        """Open a database that nothing else uses. What is missing is created."""


def adapter_of(database: DatabaseLocation) -> tuple[DatabaseAdapter, Path | str]:
    """Return the adapter of a database, and where the database is.

    Raises:
        ConfigurationError: Its library is not installed, or the adapter is an operator's own.
    """
    match database:
        case SqliteLocation(path=path):
            from adapters.databases import sqlite

            return sqlite, path
        case MongoLocation(url=url):
            check_extra("mongo", "mongodb://")
            from adapters.databases import mongo

            return mongo, url
        case PostgresLocation(url=url):
            check_extra("postgres", "postgresql://")
            from adapters.databases import postgres

            return postgres, url
        case Factory():
            raise ConfigurationError(
                "this command does not work with a database adapter of your own: name sqlite:///, "
                "postgresql:// or mongodb://."
            )


def check_database_extra(settings: Settings) -> None:
    """Check that the library of the database is installed."""
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        match settings.database:
            case PostgresLocation():
                check_extra("postgres", "postgresql://")
            case MongoLocation():
                check_extra("mongo", "mongodb://")
            case _:
                pass  # it needs none


def open_database(
    settings: Settings, phone_encryption: PhoneEncryption
) -> AbstractAsyncContextManager[Database]:
    """Open the database that the settings name, with the limits of its own."""
    check_database_extra(settings)
    match settings.database:
        case SqliteLocation(path=path):
            from adapters.databases.sqlite import open_sqlite_database

            return open_sqlite_database(path, phone_encryption.key_fingerprint())
        case PostgresLocation(url=url):
            from adapters.databases.postgres import open_postgres_database

            return open_postgres_database(url, phone_encryption.key_fingerprint())
        case MongoLocation(url=url):
            from adapters.databases.mongo import open_mongo_database

            return open_mongo_database(url, phone_encryption.key_fingerprint())
        case Factory() as factory:
            environ = settings.variables.values
            return open_adapter(
                factory,
                settings.variable_of("DIALTONE_DATABASE"),
                Database,
                environ=environ,
                phone_encryption=phone_encryption,
            )


@asynccontextmanager
async def open_guarded_database(
    settings: Settings, phone_encryption: PhoneEncryption, metrics: "Metrics | None"
) -> AsyncIterator[Database]:
    """Open the database with measurements and with a guard, until the block ends."""
    from adapters.operations.system import HeldHealthCheck

    async with AsyncExitStack() as stack:
        with name_variable(settings.variable_of("DIALTONE_DATABASE")):
            database = await stack.enter_async_context(open_database(settings, phone_encryption))
            await check_declared(database.records)
        if isinstance(settings.database, Factory):
            limited = limit_own_calls()
            database = replace(
                wrap_database(database, limited), health=wrap_store(database.health, limited)
            )
        if metrics is not None:
            from adapters.operations.metrics.stores import measure_records

            # Inside the guard, which does not call a database that is away.
            database = replace(
                database,
                records=measure_records(database.records, metrics),
                limits=limits_with_metrics(database.limits, metrics),
            )
        if not isinstance(settings.database, SqliteLocation):
            # SQLite fails at once by itself.
            database = stack.enter_context(guard_database(database))
        yield replace(database, health=HeldHealthCheck(database.health))


def limits_with_metrics(limits: LimitStore, metrics: "Metrics | None") -> LimitStore:
    """Return the limit store with measurements, if there are metrics."""
    if metrics is None:
        return limits
    from adapters.operations.metrics.stores import measure_limits

    return measure_limits(limits, metrics)
