from dataclasses import dataclass, field
from datetime import datetime

from application.features.attestation import ProofRequest, ProofResult, ProofStatus
from application.ports.errors import PortError
from domain.features.attestation import AttestationRequired
from domain.otp.otp_request import Proof

KIND = "fake"


@dataclass
class FakeAttestation:
    """Asks for the number of its last request of a subject, and accepts those that it knows.

    Attributes:
        status: Replaces the status of each proof, if it is set.
        makes_requests: Whether it asks each client.
        verified: The proofs that it was asked about.
        subjects: The subject of each request, by its number.
    """

    status: ProofStatus | None = None
    makes_requests: bool = True
    verified: list[Proof] = field(default_factory=list)
    subjects: dict[str, str] = field(default_factory=dict)

    async def request_proof(self, subject: str, now: datetime) -> ProofRequest:
        assert now.tzinfo is not None
        if not self.makes_requests:
            raise PortError("no proof request, as the test says")
        number = str(len(self.subjects))
        self.subjects[number] = subject
        return ProofRequest(KIND, {"challenge": number})

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        self.verified.append(proof)
        number = proof.response.removeprefix("proof of ")
        if self.status is not None:
            return ProofResult(self.status, number, "as the test says")
        if proof.type != KIND or self.subjects.get(number) != subject:
            return ProofResult(ProofStatus.INVALID, reason="the proof is wrong")
        return ProofResult(ProofStatus.VALID, number)


def solve(required: AttestationRequired) -> Proof:
    """Return the proof that a client makes for the first request."""
    [asked, *_] = required.attestation
    return Proof(KIND, f"proof of {asked['challenge']}")
