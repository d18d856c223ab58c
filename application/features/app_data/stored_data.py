"""The data of users in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.owned_records import OwnedRecords
from domain.errors import UserNotFound
from domain.features.app_data.app_data import AppData


@dataclass(frozen=True, slots=True)
class StoredData:
    """The data of users in the database. It ends with the account."""

    app_data: OwnedRecords[AppData]

    async def load(self, identity_id: str) -> Mapping[str, Any]:
        """Load the data of a user; an empty object for none."""
        stored = await self.app_data.load(identity_id)
        return stored.values if stored else {}

    async def replace(self, identity_id: str, data: AppData | None) -> None:
        """Replace the data of a user. Of two that do so at the same time, the last one wins.

        Raises:
            UserNotFound: The account was deleted meanwhile, and nothing is left of the data.
        """
        if data is None:
            await self.app_data.delete(identity_id)
        else:
            await self.app_data.change(identity_id, lambda _: data, UserNotFound)
