"""Adapters of proofs in memory: one that keeps its promises, and one that does not."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from application.ports.attestation import AttestationChallenge, AttestationResult, AttestationStatus
from domain.otp.attestation_proof import AttestationProof
from tests.support.fakes.attestation import FakeAttestation


class Questions(FakeAttestation):
    """A fake that the suite can solve and break."""

    def solve(self, challenge: AttestationChallenge) -> str:
        return f"proof of {challenge.fields['challenge']}"

    def break_provider(self) -> None:
        self.status = AttestationStatus.UNAVAILABLE


class NewIds(Questions):
    """A defect: each check of a proof has an id of its own."""

    async def verify(self, proof: AttestationProof, subject: str) -> AttestationResult:
        return replace(await super().verify(proof, subject), proof_id=secrets.token_hex(8))


@asynccontextmanager
async def open_questions(*, environ: Mapping[str, str]) -> AsyncIterator[Questions]:
    yield NewIds() if "NEW_IDS" in environ else Questions()
