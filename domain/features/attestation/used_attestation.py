"""A proof that a client sent before a message, kept so that it is accepted once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

USED_PROOF_TTL: Final = timedelta(hours=2)
"""How long a used proof is kept: longer than any proof is valid, also if a clock is behind."""


@dataclass(frozen=True, slots=True)
class UsedProof:
    """A proof that was used. `id` is its hash."""

    id: str
    expires_at: datetime
