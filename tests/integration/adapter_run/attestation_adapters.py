"""Adapters of proofs in memory: one that keeps its promises, and some that do not."""

import secrets
from dataclasses import replace
from typing import Final

from application.features.attestation import ProofRequest, ProofResult, ProofStatus
from domain.otp.otp_request import Proof
from tests.contract.suites.attestation import test_attestation as suite
from tests.integration.adapter_run.wrong_adapters import breaks
from tests.support.fakes.attestation import FakeAttestation

OTHER_SUBJECT: Final = suite.test_a_proof_for_another_subject_is_invalid


class Questions(FakeAttestation):
    """A fake that the suite can solve and break."""

    is_away = False

    def solve(self, proof_request: ProofRequest) -> str:
        return f"proof of {proof_request.fields['challenge']}"

    def solve_wrongly(self, proof_request: ProofRequest) -> str:
        return f"guess of {proof_request.fields['challenge']}"

    def solve_late(self, proof_request: ProofRequest) -> str:
        number = str(proof_request.fields["challenge"])
        self.subjects[number] = "expired"
        return f"proof of {number}"

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        if self.is_away:
            return ProofResult(ProofStatus.UNAVAILABLE, reason="there is no provider")
        return await super().verify(proof, subject)

    def received(self) -> list[str]:
        return [proof.response for proof in self.verified]

    def provider_is(self, state: str) -> None:
        self.is_away = state == "away"
        self.status = None if state == "well" else ProofStatus.UNAVAILABLE

    def fail_provider(self, status: int) -> None:
        self.status = ProofStatus.UNAVAILABLE


@breaks(
    suite.test_a_proof_that_comes_again_has_the_same_id_or_is_invalid,
    "A proof is valid again with another proof_id",
)
class NewIds(Questions):
    """A defect: each check of a proof has an id of its own."""

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        return replace(await super().verify(proof, subject), proof_id=secrets.token_hex(8))


@breaks(OTHER_SUBJECT, "valid for another, after it was valid")
class AnySubjectAfterwards(Questions):
    """A defect: a proof that was valid for one subject is valid for all."""

    def __init__(self) -> None:
        super().__init__()
        self.valid: dict[Proof, ProofResult] = {}

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        if proof in self.valid:
            return self.valid[proof]
        result = await super().verify(proof, subject)
        if result.status is ProofStatus.VALID:
            self.valid[proof] = result
        return result


@breaks(
    suite.test_a_proof_is_unavailable_without_the_provider_and_valid_afterwards,
    "The proof is invalid, though the provider refuses the account",
    state="refuses",
)
class InvalidWithoutAnAccount(Questions):
    """A defect: every error of its provider is one of the proof."""

    def provider_is(self, state: str) -> None:
        super().provider_is(state)
        if state == "refuses":
            self.status = ProofStatus.INVALID
