"""The port of the REST administration: its service tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import Expiring, Records
from domain.features.admin.service_token import ServiceToken


class ServiceTokens(Records[ServiceToken], Expiring, Protocol):
    """Service tokens by id, also revoked and expired ones, until the cleanup."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        """List up to `limit` tokens, those that expire last first."""
        ...


@dataclass(frozen=True, slots=True)
class AdminRepositories:
    """The repositories of the REST administration."""

    service_tokens: ServiceTokens
