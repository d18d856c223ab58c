"""A process of the service that serves now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RENEWAL_INTERVAL: Final = timedelta(seconds=10)
INSTANCE_TTL: Final = timedelta(seconds=30)
"""Longer than two renewals, so that one that fails is repeated in time."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A worker of the service. The id is random and says nothing about the host.

    Workers that use one database have to accept the tokens of each other.
    """

    id: str
    program_version: str
    started_at: datetime
    renewed_at: datetime
    issuer: str
    accepted_issuers: tuple[str, ...]

    @property
    def expires_at(self) -> datetime:
        return self.renewed_at + INSTANCE_TTL
