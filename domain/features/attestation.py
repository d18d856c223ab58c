"""Proofs before a message: the error that asks for one, and those that were used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.errors import DomainError


class AttestationRequired(DomainError):
    """A code is sent to this phone only with a proof.

    `attestation` has a request for each kind of proof: its `type`, and what the client needs.
    """

    def __init__(self, *attestation: Mapping[str, object]) -> None:
        super().__init__()
        self.attestation = attestation


USED_PROOF_TTL: Final = timedelta(hours=2)
"""How long a used proof is kept: longer than any proof is valid, also if a clock is behind."""


@dataclass(frozen=True, slots=True)
class UsedProof:
    """A proof that was used. `id` is its hash."""

    id: str
    expires_at: datetime
