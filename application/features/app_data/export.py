"""The data of the app in an export of a person."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from application.administration.export_part import ExportFile, MissingFiles, json_file
from application.features.app_data.stored_data import StoredData
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class ExportAppData:
    """What the backend of the app keeps with a person, as one file."""

    stored_data: StoredData

    explained_files: ClassVar[Mapping[str, str]] = {
        "app_data.json": "what the app keeps with your account"
    }

    async def check(self, identity: Identity) -> None:
        """Check nothing: it is in the database, as the account is."""

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        del missing
        yield json_file("app_data.json", await self.stored_data.load(identity.id), now)
