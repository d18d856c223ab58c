"""The data of users in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.versioned import DeletableRecords
from application.update import MAX_RETRIES, change
from domain.app_data.app_data import AppData
from domain.errors import UserNotFound


@dataclass(frozen=True, slots=True)
class StoredData:
    """The data of users in the database. It ends with the account."""

    app_data: DeletableRecords[AppData]
    identities: Identities

    async def load(self, identity_id: str) -> Mapping[str, Any]:
        """Load the data of a user; an empty object for none.

        Raises:
            StorageError
        """
        stored = await self.app_data.load(identity_id)
        return stored.value.values if stored else {}

    async def holds(self, identity_id: str, data: AppData | None) -> bool:
        """Return whether this is stored of a user; None for nothing.

        Raises:
            StorageError
        """
        stored = await self.app_data.load(identity_id)
        return (stored.value if stored else None) == data

    async def replace(self, identity_id: str, data: AppData | None) -> None:
        """Replace the data of a user. Of two that do so at the same time, the last one wins.

        Raises:
            UserNotFound: The account was deleted meanwhile, and nothing is left of the data.
            StorageError
        """
        if data is None:
            await self.delete(identity_id)
            return
        await change(self.app_data, identity_id, lambda _: (data, None))
        # What a deletion found before this write it has deleted. It has not found this.
        owner = await self.identities.load(identity_id)
        if owner is None or owner.value.is_deleted:
            await self.delete(identity_id)
            raise UserNotFound

    async def delete(self, identity_id: str) -> None:
        """Delete the data of a user, if there is any.

        Raises:
            StorageError
        """
        for _ in range(MAX_RETRIES):
            stored = await self.app_data.load(identity_id)
            if stored is None or await self.app_data.delete(identity_id, stored.version):
                return
        raise ConcurrencyConflict("too many concurrent changes of one record")
