"""What is shown of the data of a user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.features.app_data.ports import AppDataRepositories
from application.features.app_data.stored_data import StoredData
from application.owned_records import OwnedRecords
from application.use_cases import UseCases
from domain.identities.claims import read_claims
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class AppDataDetails:
    """What the backend of the app keeps with a user: JSON objects, which may be empty."""

    app_data: Mapping[str, Any]
    claims: Mapping[str, Any]


def add_app_data_details(core: UseCases, repositories: AppDataRepositories) -> None:
    """Let the core show it. Only records are read."""
    stored_data = StoredData(OwnedRecords(repositories.app_data, core.repositories.identities))

    async def load(identity: Identity | None) -> AppDataDetails | None:
        if identity is None or identity.is_deleted:
            return None
        return AppDataDetails(await stored_data.load(identity.id), read_claims(identity.claims))

    core.administration.details_parts.append(load)
    core.administration.list_retained_data.cleaned_up.append("app data")
