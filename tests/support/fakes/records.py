"""Versioned records in memory, by id."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from application.ports.versioned import Versioned

if TYPE_CHECKING:
    from tests.support.fakes.database import InMemoryDatabase


class Record(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Repository:
    """A repository over a database."""

    database: "InMemoryDatabase"


class Records(Repository, Generic[R]):
    """Versioned records by id, in the attribute of the database with this name."""

    name: ClassVar[str]

    @property
    def stored(self) -> dict[str, Versioned[R]]:
        records: dict[str, Versioned[R]] = getattr(self.database, self.name)
        return records

    async def load(self, record_id: str) -> Versioned[R] | None:
        await self.database.call(f"{self.name}.load")
        return self.stored.get(record_id)

    async def add(self, record: R) -> Any:
        await self.database.call(f"{self.name}.add")
        return record.id not in self.stored and self._save(record, 1)

    async def replace(self, record: R, version: int) -> bool:
        await self.database.call(f"{self.name}.replace")
        return self._has_version(record.id, version) and self._save(record, version + 1)

    def _save(self, record: R, version: int) -> bool:
        self.stored[record.id] = Versioned(record, version)
        return True

    def _delete(self, record_id: str, version: int) -> bool:
        return self._has_version(record_id, version) and bool(self.stored.pop(record_id))

    def _has_version(self, record_id: str, version: int) -> bool:
        return record_id in self.stored and self.stored[record_id].version == version
