"""The promises of the port that asks clients for a proof."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from application.features.attestation import ProofRequest, ProofResult, ProofStatus
from application.ports.errors import PortError
from domain.otp.otp_request import Proof
from tests.contract.suites.attestation.driver import AttestationDriver
from tests.contract.suites.attestation.spellings import decode_base64, other_spellings
from tests.contract.suites.outcomes import observe
from tests.contract.suites.promises import not_promised
from tests.contract.suites.provider_driver import (
    FAILED_CALLS,
    LOST_ANSWERS,
    LostAnswer,
    expect_check,
)

SUBJECT: Final = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd6"
OTHER_SUBJECTS: Final = ("2c624232cc5d221772947e60b46b5d6bd2a1cd6e6ef2d1f0", f"{SUBJECT[:-1]}7")
"""The keyed hashes of three phones. The end of the last one is different."""
MAX_AGE: Final = timedelta(minutes=61)
"""A proof expires within an hour."""
MIN_SECRET_LENGTH: Final = 8
"""Characters of a response that is looked for in a text. Shorter ones may be there by accident."""
VERIFY_SECONDS: Final = 4
"""See the ports. A loaded machine needs more."""
NO_RESPONSES: Final = (
    "", "no-response", "a" * 8_193, "\x00", "\N{SNOWMAN}", "\ud800", "null", "{}", "[" * 5_000,
    "bnVsbA==", "e30=", "W1tbW1tbW1tbW1s=",
)  # fmt: skip
"""Responses that no client makes of a request, some of them in Base64."""


async def request_proof(driver: AttestationDriver) -> ProofRequest:
    """Return a request. It is for now, because a provider has its own clock."""
    return await driver.attestation.request_proof(SUBJECT, datetime.now(UTC))


async def solve(driver: AttestationDriver) -> Proof:
    """Return a proof for a new request."""
    proof_request = await request_proof(driver)
    return Proof(proof_request.type, await driver.solve(proof_request))


async def verify(driver: AttestationDriver, proof: Proof, subject: str = SUBJECT) -> ProofResult:
    """Check a proof; fail in words if the result is none."""
    outcome = await observe(driver.attestation.verify(proof, subject), VERIFY_SECONDS)
    result = outcome.result
    assert isinstance(result, ProofResult), (
        f"verify {outcome.words}. A failure is a ProofResult: UNAVAILABLE if the proof may "
        "be valid."
    )
    assert result.proof_id or result.status is not ProofStatus.VALID, (
        f"verify {outcome.words}. A valid result has a proof_id."
    )
    if result.status is not ProofStatus.VALID:
        assert result.reason, f"verify {outcome.words}. The log needs a reason, if it is not valid."
    for secret in (proof.response, subject):
        is_shown = len(secret) >= MIN_SECRET_LENGTH and secret in result.reason
        assert not is_shown, f"verify {outcome.words}. The reason names the response or the subject"
    return result


async def test_a_proof_request_is_json_and_does_not_show_the_subject(
    attestation_driver: AttestationDriver,
) -> None:
    proof_request = await request_proof(attestation_driver)

    assert proof_request.type, "A proof request has a type, which clients send back"
    assert "type" not in proof_request.fields, "A field named type is lost"
    fields = json.dumps(dict(proof_request.fields))
    decoded = (decode_base64(text) for text in re.findall(r"[\w+/=-]{16,}", fields))
    hidden = (SUBJECT.encode(), bytes.fromhex(SUBJECT))
    is_shown = SUBJECT in fields or any(text in content for content in decoded for text in hidden)
    assert not is_shown, "The proof request shows its subject: who has it can tell phones apart"


async def test_a_proof_that_comes_again_has_the_same_id_or_is_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    proof = await solve(attestation_driver)
    first = await verify(attestation_driver, proof)
    assert first.status is ProofStatus.VALID, first.reason
    again = await verify(attestation_driver, proof)

    assert again.status is not ProofStatus.VALID or again.proof_id == first.proof_id, (
        "A proof is valid again with another proof_id, so it would be accepted twice"
    )
    assert again.proof_id == first.proof_id, (
        f"A proof that was valid before is {again.status.value} with the proof_id "
        f"{again.proof_id!r}: it has that of the first time, so that a used proof is told from none"
    )


async def test_another_spelling_of_a_response_has_the_same_id_or_is_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    proof = await solve(attestation_driver)
    first = await verify(attestation_driver, proof)

    for how, response in other_spellings(proof.response).items():
        other = await verify(attestation_driver, Proof(proof.type, response))
        is_new = other.status is ProofStatus.VALID and other.proof_id != first.proof_id
        assert not is_new, (
            f"The response {how} is valid with another proof_id, so the proof is accepted twice"
        )


async def test_a_proof_for_another_subject_is_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    if not attestation_driver.binds_subject:
        not_promised("it declares that its requests are for no subject")
    for is_used in (False, True):
        proof = await solve(attestation_driver)
        if is_used:
            await verify(attestation_driver, proof)
        for other in OTHER_SUBJECTS:
            result = await verify(attestation_driver, proof, other)
            assert result.status is ProofStatus.INVALID, (
                f"The proof for one subject is {result.status.value} for another"
                f"{', after it was valid' * is_used}. If its provider does not know the subject, "
                "the adapter has an attribute binds_subject = False"
            )


async def test_a_response_that_does_not_solve_the_proof_request_is_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    proof_request = await request_proof(attestation_driver)
    response = await attestation_driver.solve_wrongly(proof_request)
    result = await verify(attestation_driver, Proof(proof_request.type, response))

    assert result.status is ProofStatus.INVALID, (
        f"The wrong response of solve_wrongly() is {result.status.value}"
    )


async def test_a_proof_that_has_expired_is_invalid(attestation_driver: AttestationDriver) -> None:
    now = datetime.now(UTC)
    if attestation_driver.sets_time:
        proof_request = await attestation_driver.attestation.request_proof(SUBJECT, now - MAX_AGE)
        response = await attestation_driver.solve(proof_request)
        whose = "of a request of an hour ago (its `now`)"
    else:
        proof_request = await request_proof(attestation_driver)
        response = await attestation_driver.solve_late(proof_request)
        whose = "of solve_late()"
    result = await verify(attestation_driver, Proof(proof_request.type, response))

    assert result.status is ProofStatus.INVALID, (
        f"The expired proof {whose} is {result.status.value}"
    )


async def test_two_proofs_have_different_ids_also_at_the_same_time(
    attestation_driver: AttestationDriver,
) -> None:
    proofs = [await solve(attestation_driver) for _ in range(10)]
    results = await asyncio.gather(*(verify(attestation_driver, proof) for proof in proofs))

    assert {result.status for result in results} == {ProofStatus.VALID}
    different = {result.proof_id for result in results}
    assert len(different) == len(proofs), (
        f"{len(proofs)} proofs have {len(different)} proof_ids: only one with each is accepted"
    )


async def test_a_response_of_another_type_is_invalid(
    attestation_driver: AttestationDriver,
) -> None:
    proof = await solve(attestation_driver)
    for other_type in ("", "another", proof.type.upper(), "\ud800"):
        result = await verify(attestation_driver, Proof(other_type, proof.response))

        assert result.status is ProofStatus.INVALID, f"The type {other_type!r} is valid"


@pytest.mark.parametrize("response", NO_RESPONSES, ids=lambda text: ascii(text)[:20])
async def test_what_is_no_response_is_invalid(
    attestation_driver: AttestationDriver, response: str
) -> None:
    proof_request = await request_proof(attestation_driver)
    result = await verify(attestation_driver, Proof(proof_request.type, response))

    assert result.status is ProofStatus.INVALID


async def expect_unavailable(driver: AttestationDriver, proof: Proof, provider: str) -> None:
    """Check a proof; fail unless the result is that it could not be checked."""
    result = await verify(driver, proof)
    assert result.status is ProofStatus.UNAVAILABLE, (
        f"The proof is {result.status.value}, though the provider {provider}: it may be valid"
    )


@pytest.mark.parametrize("state", ["away", "refuses"])
async def test_a_proof_is_unavailable_without_the_provider_and_valid_afterwards(
    attestation_driver: AttestationDriver, state: str
) -> None:
    proof = await solve(attestation_driver)
    await attestation_driver.provider_is(state)
    words = "is not reachable" if state == "away" else "refuses the account, not the proof"
    for _ in range(FAILED_CALLS):
        await expect_unavailable(attestation_driver, proof, words)

    await attestation_driver.provider_is("well")
    result = await verify(attestation_driver, proof)
    assert result.status is ProofStatus.VALID, (
        f"A proof is {result.status.value} after its provider is back: {result.reason}"
    )


@pytest.mark.parametrize("failure", LOST_ANSWERS, ids=str)
async def test_a_proof_without_an_answer_is_unavailable_and_asked_about_once(
    attestation_driver: AttestationDriver, failure: LostAnswer
) -> None:
    await verify(attestation_driver, await solve(attestation_driver))  # a handshake is done
    proof = await solve(attestation_driver)
    await failure.begin(attestation_driver)
    await expect_unavailable(attestation_driver, proof, str(failure))

    await attestation_driver.provider_is("well")
    asked = (await attestation_driver.received()).count(proof.response)
    assert asked == 1, (
        f"The provider {failure}, and was asked {asked} times about one proof. An adapter asks "
        "once, and received() also lists what was not answered"
    )


async def test_a_proof_request_ends_in_time_if_the_provider_hangs(
    attestation_driver: AttestationDriver,
) -> None:
    await attestation_driver.provider_is("silent")
    proof_request = attestation_driver.attestation.request_proof(SUBJECT, datetime.now(UTC))
    requested = await observe(proof_request, VERIFY_SECONDS)

    is_known = isinstance(requested.result, ProofRequest)
    assert is_known or isinstance(requested.error, PortError), (
        f"request_proof {requested.words} without its provider, but has to raise PortError then"
    )


@pytest.mark.parametrize("state", ["away", "silent"])
async def test_the_health_check_ends_in_time_and_fails_if_the_provider_is_away(
    attestation_driver: AttestationDriver, state: str
) -> None:
    await expect_check(attestation_driver, attestation_driver.attestation, state, PortError)
