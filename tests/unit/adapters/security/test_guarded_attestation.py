"""An operator's own adapter of proofs: its errors and delays are results."""

import asyncio
from datetime import datetime

import pytest

from adapters.security.attestation import guarded
from adapters.security.attestation.guarded import TIMEOUT, GuardedAttestation
from application.features.attestation import ProofRequest, ProofResult, ProofStatus
from application.ports.errors import PortError
from domain.otp.otp_request import Proof
from tests.support.builders import NOW

PROOF = Proof("own", "the-response")
VALID = ProofResult(ProofStatus.VALID, "the-id")


class OwnAttestation:
    def __init__(self, outcome: object = VALID) -> None:
        self.outcome = outcome

    async def request_proof(self, subject: str, now: datetime) -> ProofRequest:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        if not isinstance(self.outcome, ProofResult):
            return self.outcome  # type: ignore[return-value] # an adapter may have no types
        return ProofRequest("own", {"site_key": subject})

    async def verify(self, proof: Proof, subject: str) -> ProofResult:
        if self.outcome is None:
            await asyncio.Event().wait()
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        assert (proof, subject) == (PROOF, "the-subject")
        return self.outcome  # type: ignore[return-value] # an adapter may have no types


class CheckedAttestation(OwnAttestation):
    async def check(self) -> None:
        raise LookupError


async def verify(outcome: object) -> ProofResult:
    return await GuardedAttestation(OwnAttestation(outcome)).verify(PROOF, "the-subject")


async def test_results_proof_requests_and_a_health_check_are_passed_on() -> None:
    assert await verify(VALID) == VALID
    invalid = ProofResult(ProofStatus.INVALID, reason="no")
    assert await verify(invalid) == invalid
    proof_request = await GuardedAttestation(OwnAttestation()).request_proof("the-subject", NOW)
    assert proof_request.fields == {"site_key": "the-subject"}
    assert not hasattr(GuardedAttestation(OwnAttestation()), "check")
    with pytest.raises(LookupError):
        await GuardedAttestation(CheckedAttestation()).check()


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (
            ConnectionError("rejected: 03AGdBq25-the-response"),
            "the adapter failed with ConnectionError",
        ),
        (True, "the adapter returned bool"),
        (
            ProofResult(ProofStatus.VALID),
            "the adapter returned a valid proof without a proof_id",
        ),
        (
            ProofResult(ProofStatus.VALID, 17),  # type: ignore[arg-type]
            "the adapter returned a result whose fields are no text",
        ),
        (None, "no result in time"),
    ],
)
async def test_all_else_is_a_proof_that_could_not_be_checked(
    monkeypatch: pytest.MonkeyPatch, outcome: object, reason: str
) -> None:
    assert TIMEOUT == 3
    monkeypatch.setattr(guarded, "TIMEOUT", 0.1 if outcome is None else 60)

    assert await verify(outcome) == ProofResult(ProofStatus.UNAVAILABLE, reason=reason)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (ConnectionError("'secret'"), "the adapter failed with ConnectionError"),
        (
            ProofRequest("own", {"site_key": object()}),
            "the adapter returned a proof request that is not JSON",
        ),
    ],
)
async def test_without_a_request_there_is_an_error_in_words(outcome: object, reason: str) -> None:
    with pytest.raises(PortError) as error:
        await GuardedAttestation(OwnAttestation(outcome)).request_proof("the-subject", NOW)
    assert str(error.value) == reason
