"""What a database gives: the two stores and its health."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.databases.records.newest_key import StoredKeyId
from adapters.databases.records.record_store import RecordStore
from application.ports.limits import LimitStore
from application.ports.system import HealthCheck


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. The factory of `DIALTONE_DATABASE` yields one.

    `read_time` returns the time of its machine, to compare with the service's. None if it is the
    same machine, or the database cannot say. `newest_key` is None if the database has no field for
    it: then an older secrets file is not noticed. `servers` says which of several servers do not
    respond.
    """

    records: RecordStore
    limits: LimitStore
    health: HealthCheck
    read_time: Callable[[], Awaitable[datetime]] | None = None
    newest_key: StoredKeyId | None = None
    servers: HealthCheck | None = None


class StoredCopyMark(Protocol):
    """The stored mark of a copy in the metadata of a database: see `copy_marks`."""

    async def read(self) -> str | None:
        """Return the mark, or None.

        Raises:
            StorageError
        """
        ...

    async def write(self, mark: str | None, /) -> None:
        """Replace the mark, or remove it. It is durable.

        Raises:
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True)
class CopyableDatabase:
    """An open database that may be the source or the target of a copy, and be marked.

    Attributes:
        location: Where it is, without secrets.
    """

    location: str
    records: RecordStore
    mark: StoredCopyMark
    newest_key: StoredKeyId
