"""Passkeys in an export of a person."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from application.administration.export_part import ExportFile, MissingFiles, json_file
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class ExportPasskeys:
    """The passkeys of a person, without their keys."""

    explained_files: ClassVar[Mapping[str, str]] = {
        "passkeys.json": "your passkeys for the console: names, and when you added and used them"
    }

    async def check(self, identity: Identity) -> None:
        """Check nothing: passkeys are in the account."""

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        del missing
        described = [
            {
                "id": passkey.id,
                "name": passkey.name,
                "created_at": passkey.created_at,
                "last_used_at": passkey.last_used_at,
                "sign_count": passkey.sign_count,
            }
            for passkey in identity.staff.passkeys
        ]
        yield json_file("passkeys.json", described, now)
