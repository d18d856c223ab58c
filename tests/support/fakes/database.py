"""The SQLite adapter in memory, without threads."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from adapters.sqlite.connection_worker import Failed, Operation, commit_batch
from adapters.sqlite.database import Database
from adapters.sqlite.mapping import (
    CallMapping,
    DeliveryReportMapping,
    IdentityMapping,
    MediaItemMapping,
    PhoneVerificationMapping,
)
from adapters.sqlite.migrations import migrate
from adapters.sqlite.repositories import repositories_of
from application.ports.errors import StorageTimeout, StorageUnavailable
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from domain.media.item import MediaItem
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from domain.voice.call import Call
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fault_injector import FaultInjector


class _ReadableIndex(FakePhoneEncryption):
    """Finds verifications by the phone itself, so that tests see whose they are."""

    def blind_index(self, phone: PhoneNumber) -> str:
        return phone.e164


_ENCRYPTION: Final = _ReadableIndex()
MAPPINGS: Final[Mapping[str, Any]] = {
    "phone_verifications": PhoneVerificationMapping(_ENCRYPTION),
    "identities": IdentityMapping(_ENCRYPTION),
    "media_items": MediaItemMapping(),
    "calls": CallMapping(),
    "delivery_reports": DeliveryReportMapping(),
}
"""How the records of each table are stored."""


class InMemoryDatabase:
    """A database. Its properties are copies of what is stored.

    Each call lets other tasks run before it acts, so that races are real. While `is_unavailable`,
    every call raises StorageUnavailable.
    """

    def __init__(self) -> None:
        self.faults = FaultInjector()
        self.is_unavailable = False
        self._connection = _connect()
        self._connection.deserialize(_empty_database())

    @property
    def phone_verifications(self) -> dict[PhoneNumber, Versioned[PhoneVerification]]:
        records = self._records("phone_verifications", "phone_index")
        return {PhoneNumber(number): record for number, record in records.items()}

    @property
    def identities(self) -> dict[str, Versioned[Identity]]:
        return self._records("identities")

    @property
    def media_items(self) -> dict[str, Versioned[MediaItem]]:
        return self._records("media_items")

    @property
    def calls(self) -> dict[str, Versioned[Call]]:
        return self._records("calls")

    @property
    def delivery_reports(self) -> dict[str, Versioned[DeliveryReport]]:
        return self._records("delivery_reports")

    @property
    def permits(self) -> Counter[str]:
        """The number of permits by the name of their limit; large limits have several parts."""
        rows = self._connection.execute("SELECT limit_name FROM rate_limits")
        return Counter(name.partition(" #")[0] for (name,) in rows)

    def repositories(self) -> Repositories:
        """Return all repositories over this database."""
        executor: Any = _Executor(self._connection)
        database = Database(executor, executor, lambda operation: operation(self._connection))
        repositories = repositories_of(database, _ENCRYPTION)
        names = [field.name for field in fields(repositories)]
        ports: Any = {name: _Port(self, name, getattr(repositories, name)) for name in names}
        return Repositories(**ports)

    @asynccontextmanager
    async def open_repositories(self) -> AsyncIterator[Repositories]:
        """Yield the repositories, as adapters do when they are opened."""
        yield self.repositories()

    def _records(self, table: str, key: str = "id") -> dict[str, Any]:
        columns = f"{key}, version, schema_version, body"
        rows = self._connection.execute(f"SELECT {columns} FROM {table} ORDER BY rowid")  # noqa: S608 -- our names
        return {key: MAPPINGS[table].decode(*record) for key, *record in rows}


@dataclass(frozen=True)
class _Executor:
    """Executes each operation at once, in a transaction of its own."""

    connection: sqlite3.Connection

    def run(self, operation: Operation[Any], *, is_quick: bool = False) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        (result,) = commit_batch(self.connection, [operation])
        if isinstance(result, Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)
        return future


@dataclass(frozen=True)
class _Port:
    """The operations of a repository, named for the fault injector."""

    database: InMemoryDatabase
    name: str
    repository: object

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*arguments: object, **options: object) -> object:
            await asyncio.sleep(0)
            if self.database.is_unavailable:
                raise StorageUnavailable("unavailable")
            operation = f"{self.name}.{method}"
            is_lost = await self.database.faults.on_call(operation, StorageUnavailable)
            result = await getattr(self.repository, method)(*arguments, **options)
            if is_lost:
                raise StorageTimeout(f"no response of {operation}")
            return result

        return call


def _connect() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


@cache
def _empty_database() -> bytes:
    connection = _connect()
    migrate(connection, Path(":memory:"), _ENCRYPTION.key_fingerprint())
    return connection.serialize()
