"""Adapters of proofs in memory: one that keeps its promises, and one that does not."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from application.ports.attestation import AttestationChallenge, AttestationResult, AttestationStatus
from domain.otp.attestation_proof import AttestationProof

TYPE = "question"


class Questions:
    """Asks for a question's answer, which has its letters in reverse order."""

    def __init__(self) -> None:
        self.questions: set[tuple[str, str]] = set()
        self.is_broken = False

    async def challenge(self, subject: str, now: datetime) -> AttestationChallenge:
        question = secrets.token_hex(8)
        self.questions.add((question, subject))
        return AttestationChallenge(TYPE, {"question": question})

    async def verify(self, proof: AttestationProof, subject: str) -> AttestationResult:
        question = proof.response[::-1]
        if self.is_broken:
            return AttestationResult(AttestationStatus.UNAVAILABLE, reason="it is broken")
        if proof.type != TYPE or (question, subject) not in self.questions:
            return AttestationResult(AttestationStatus.INVALID, reason="the answer is wrong")
        return AttestationResult(AttestationStatus.VALID, self.proof_id(question))

    def proof_id(self, question: str) -> str:
        return question

    def solve(self, challenge: AttestationChallenge) -> str:
        return str(challenge.fields["question"])[::-1]

    def break_provider(self) -> None:
        self.is_broken = True


class NewIds(Questions):
    """A defect: each check of a proof has an id of its own."""

    def proof_id(self, question: str) -> str:
        return secrets.token_hex(8)


@asynccontextmanager
async def open_questions(*, environ: Mapping[str, str]) -> AsyncIterator[Questions]:
    yield NewIds() if "NEW_IDS" in environ else Questions()
