"""A proof that a client sent before a message, kept so that it is accepted once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

USED_ATTESTATION_TTL: Final = timedelta(hours=2)
"""How long a proof is kept that was used: longer than any is valid, also by a clock behind."""


@dataclass(frozen=True, slots=True)
class UsedAttestation:
    """A proof that was used. `id` is its hash."""

    id: str
    expires_at: datetime
