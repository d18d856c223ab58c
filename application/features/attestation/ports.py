"""The port of attestation: a proof that a client sends before a message is sent for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from application.ports.versioned import ExpiringRecords
from domain.features.attestation import UsedProof
from domain.otp.attestation_proof import Proof


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """What a client needs for a proof.

    Attributes:
        type: The kind of proof, which the client sends back with its response.
        fields: What the kind needs, such as `site_key` or `challenge`: values of JSON. Clients see
            them, so they have no phone number and no secret.
    """

    type: str
    fields: Mapping[str, object]


class ProofStatus(StrEnum):
    """What became of a proof.

    - `VALID`: it is a proof for this subject, made within the last minutes.
    - `INVALID`: it is no proof, it has expired, or it is for another subject or another kind.
    - `UNAVAILABLE`: it could not be checked. It may be valid.
    """

    VALID = "valid"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ProofResult:
    """The status of a proof.

    Attributes:
        status: What became of it.
        proof_id: An id that all responses with the same proof have; set if the proof is valid, or
            may have been before. The caller accepts each id once.
        reason: Why it is not valid, for operators: no phone number, no secret, no response.
    """

    status: ProofStatus
    proof_id: str = ""
    reason: str = ""


class Attestation(Protocol):
    """Asks clients for a proof, and checks it.

    - An error of a provider while it checks a proof is a result, not an exception.
    - Both methods end within three seconds, and never ask a provider twice.
    - A valid proof stays valid for its adapter: the caller sees to it that each is accepted once.
      It expires within an hour.
    - A proof for another subject is invalid, unless the adapter has an attribute `binds_subject`
      that is False: its provider makes requests that are for no subject.
    """

    async def request_proof(self, subject: str, now: datetime) -> ProofRequest:
        """Return what a client needs for a proof.

        Args:
            subject: The keyed hash of the phone that the proof is for. Clients do not see it.
            now: The current time.

        Raises:
            PortError: there is none; the text says why, for operators.
        """
        ...

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        """Check a proof for the subject."""
        ...


@dataclass(frozen=True, slots=True)
class AttestationRepositories:
    """The repositories of attestation."""

    used_proofs: ExpiringRecords[UsedProof]
