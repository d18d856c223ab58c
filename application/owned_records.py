"""Records that end with their owner: at most one of a kind for each identity, by its id."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from application.additions import Additions
from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.versioned import DeletableRecords
from application.update import MAX_RETRIES, change
from domain.identities.identity import Identity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OwnedRecords(Generic[T]):
    """The records of one kind of what identities have.

    No write spans a record and its owner. So a write reads the owner again, and the deletion of the
    owner comes before that of the record: whichever of two comes later deletes what the other one
    left. If a process is killed in between, the record stays until the cleanup finds that its
    owner was deleted, or that it has expired. Nothing shows it meanwhile.
    """

    records: DeletableRecords[T]
    identities: Identities

    async def load(self, owner_id: str) -> T | None:
        loaded = await self.records.load(owner_id)
        return loaded.value if loaded else None

    async def change(
        self, owner_id: str, decide: Callable[[T | None], T], missing: type[Exception]
    ) -> Identity:
        """Save the successor that `decide` returns, and return the owner as it is after that."""
        await change(self.records, owner_id, lambda found: (decide(found), None))
        # A deletion has deleted the record that it found, which may not be this one.
        owner = await self.identities.load(owner_id)
        if owner is None or owner.value.is_deleted:
            await self.delete(owner_id)
            raise missing
        return owner.value

    async def delete(self, owner_id: str) -> None:
        for _ in range(MAX_RETRIES):
            loaded = await self.records.load(owner_id)
            if loaded is None or await self.records.delete(owner_id, loaded.version):
                return
        raise ConcurrencyConflict("too many concurrent changes of one record")

    @property
    def ends_with_owner(self) -> Additions:
        """The deletion of an identity deletes its record, and the cleanup what that left."""
        return Additions(after_deletion=(self.delete,), on_purge=(self.delete,))
