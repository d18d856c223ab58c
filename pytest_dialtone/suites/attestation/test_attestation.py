"""The promises of the port that asks clients for a proof."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Final

import pytest

from application.ports.attestation import AttestationChallenge, AttestationResult, AttestationStatus
from application.ports.errors import PortError
from domain.otp.attestation_proof import AttestationProof
from entrypoints.opening.factories import health_check_of
from pytest_dialtone.outcomes import expect_errors, observe
from pytest_dialtone.suites.attestation.driver import AttestationDriver

SUBJECT: Final = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd6"
"""The keyed hash of a phone."""
VERIFY_SECONDS: Final = 4
"""See the port. A loaded machine needs more."""
NO_RESPONSES: Final = (
    "", "no-response", "a" * 8_193, "\x00", "\N{SNOWMAN}", "\ud800", "null", "{}", "[" * 5_000,
    "bnVsbA==", "e30=", "W1tbW1tbW1tbW1s=",
)  # fmt: skip
"""What no client makes of a challenge, some of it in Base64."""


async def request_challenge(driver: AttestationDriver) -> AttestationChallenge:
    """Return a challenge. It is for now, because a provider has its own clock."""
    return await driver.attestation.challenge(SUBJECT, datetime.now(UTC))


async def solve(driver: AttestationDriver) -> AttestationProof:
    """Return a proof for a new challenge."""
    challenge = await request_challenge(driver)
    return AttestationProof(challenge.type, await driver.solve(challenge))


async def verify(driver: AttestationDriver, proof: AttestationProof) -> AttestationResult:
    """Check a proof; fail in words if the result is none."""
    outcome = await observe(driver.attestation.verify(proof, SUBJECT), VERIFY_SECONDS)
    result = outcome.result
    assert isinstance(result, AttestationResult), (
        f"verify {outcome.words}. A failure is an AttestationResult: UNAVAILABLE if the proof may "
        "be valid."
    )
    assert result.proof_id or result.status is not AttestationStatus.VALID, (
        f"verify {outcome.words}. A valid result has a proof_id."
    )
    return result


async def test_a_challenge_is_json_and_does_not_show_the_subject(
    attestation_driver: AttestationDriver,
) -> None:
    challenge = await request_challenge(attestation_driver)

    assert challenge.type, "A challenge has a type, which clients send back"
    assert SUBJECT not in json.dumps(dict(challenge.fields))


async def test_a_response_to_a_challenge_is_valid(attestation_driver: AttestationDriver) -> None:
    result = await verify(attestation_driver, await solve(attestation_driver))

    assert result.status is AttestationStatus.VALID, result.reason


async def test_a_proof_that_comes_again_has_the_same_id_or_is_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    proof = await solve(attestation_driver)
    first = await verify(attestation_driver, proof)
    again = await verify(attestation_driver, proof)

    assert again.status is not AttestationStatus.VALID or again.proof_id == first.proof_id, (
        "A proof is valid again with another proof_id, so it would be accepted twice"
    )


async def test_two_proofs_have_different_ids_also_at_the_same_time(
    attestation_driver: AttestationDriver,
) -> None:
    proofs = [await solve(attestation_driver) for _ in range(10)]
    results = await asyncio.gather(*(verify(attestation_driver, proof) for proof in proofs))

    assert {result.status for result in results} == {AttestationStatus.VALID}
    assert len({result.proof_id for result in results}) == len(proofs)


async def test_a_response_of_another_type_is_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    proof = await solve(attestation_driver)
    for other_type in ("", "another", proof.type.upper(), "\ud800"):
        result = await verify(attestation_driver, AttestationProof(other_type, proof.response))

        assert result.status is AttestationStatus.INVALID, f"The type {other_type!r} is valid"


@pytest.mark.parametrize("response", NO_RESPONSES, ids=lambda text: ascii(text)[:20])
async def test_what_is_no_response_is_invalid(
    attestation_driver: AttestationDriver, response: str
) -> None:
    challenge = await request_challenge(attestation_driver)
    result = await verify(attestation_driver, AttestationProof(challenge.type, response))

    assert result.status is AttestationStatus.INVALID
    assert result.reason, "A proof that is not valid has a reason, for the log"


async def test_without_its_provider_a_proof_is_neither_valid_nor_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    proof = await solve(attestation_driver)
    await attestation_driver.break_provider()
    result = await verify(attestation_driver, proof)

    assert result.status is AttestationStatus.UNAVAILABLE
    for text in (proof.response, SUBJECT):
        assert text not in result.reason, "The reason names the response or the subject"


async def test_the_health_check_fails_without_the_provider(
    attestation_driver: AttestationDriver,
) -> None:
    attestation = attestation_driver.attestation
    if not getattr(attestation, "has_health_check", hasattr(attestation, "check")):
        pytest.skip("it has no check()")
    await attestation_driver.break_provider()

    await expect_errors({"check": health_check_of(attestation).check()}, PortError, seconds=15)
