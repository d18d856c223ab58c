from dataclasses import dataclass, field
from datetime import datetime

from application.features.attestation.ports import (
    AttestationChallenge,
    AttestationResult,
    AttestationStatus,
)
from application.ports.errors import PortError
from domain.features.attestation.errors import AttestationRequired
from domain.otp.attestation_proof import AttestationProof

KIND = "fake"


@dataclass
class FakeAttestation:
    """Asks for the number of its last challenge of a subject, and accepts those that it knows.

    Attributes:
        status: Replaces the status of each proof, if it is set.
        makes_challenges: Whether there is a challenge for each client.
        verified: The proofs that it was asked about.
        subjects: The subject of each challenge, by its number.
    """

    status: AttestationStatus | None = None
    makes_challenges: bool = True
    verified: list[AttestationProof] = field(default_factory=list)
    subjects: dict[str, str] = field(default_factory=dict)

    async def challenge(self, subject: str, now: datetime) -> AttestationChallenge:
        assert now.tzinfo is not None
        if not self.makes_challenges:
            raise PortError("no challenge, as the test says")
        number = str(len(self.subjects))
        self.subjects[number] = subject
        return AttestationChallenge(KIND, {"challenge": number})

    async def verify(self, proof: AttestationProof, subject: str) -> AttestationResult:
        self.verified.append(proof)
        number = proof.response.removeprefix("proof of ")
        if self.status is not None:
            return AttestationResult(self.status, number, "as the test says")
        if proof.type != KIND or self.subjects.get(number) != subject:
            return AttestationResult(AttestationStatus.INVALID, reason="the proof is wrong")
        return AttestationResult(AttestationStatus.VALID, number)


def solve(required: AttestationRequired) -> AttestationProof:
    """Return the proof that a client makes of the first challenge."""
    challenge = required.attestation[0]
    return AttestationProof(KIND, f"proof of {challenge['challenge']}")
