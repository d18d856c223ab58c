"""The port of the REST administration: its service tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Records
from domain.admin.service_token import ServiceToken


class ServiceTokens(Records[ServiceToken], Protocol):
    """Service tokens by id, also revoked ones, until they expire."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        """List up to `limit` tokens, those that expire last first.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired tokens, and return their number.

        Raises:
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True)
class AdminRepositories:
    """The repositories of the REST administration."""

    service_tokens: ServiceTokens
