"""A proof gets a code where the limits of strangers are used up."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from application.features.attestation import (
    AttestationRejected,
    ProofStatus,
)
from application.otp.request_otp import RequestOtpResult
from application.ports.errors import StorageTimeout
from domain.errors import TooManyOtpRequests
from domain.features.attestation import AttestationRequired
from domain.otp.delivery_policy import Limitation
from domain.otp.otp_request import Proof
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.attestation import FakeAttestation, solve
from tests.support.fault_injector import ProcessKilled

HOUR = timedelta(hours=1)
LIMITS = RateLimits(per_country=SlidingWindow(20, HOUR), has_attested_limits=True)
"""A country has 20 permits: 9 for strangers, 3 for each network and number range, 3 for proofs."""
STRANGERS = 9


def make_app(**limits: Any) -> AppHarness:
    policy = make_policy(rate_limits=replace(LIMITS, **limits), webhook_urls=WEBHOOK_URLS)
    return AppHarness(policy=policy, attestation=FakeAttestation())


def phone(number: int) -> PhoneNumber:
    """Return a phone; three in a row have the same number range."""
    return parse_phone(f"+1415{555 + number // 3}{2000 + number}", None)


async def flood(app: AppHarness, count: int = STRANGERS) -> None:
    """Use up the limits of strangers, of whom three in a row have the same network."""
    for number in range(count):
        await app.request_otp(phone(number), f"198.18.{number // 3}.{number}")


@pytest_asyncio.fixture
async def app() -> AppHarness:
    """An app in a flood: the limits of strangers are used up."""
    flooded = make_app()
    await flood(flooded)
    return flooded


async def make_proof(app: AppHarness) -> Proof:
    with pytest.raises(AttestationRequired) as required:
        await app.request_otp(can_send_proof=True)
    return solve(required.value)


def attestation_of(app: AppHarness) -> FakeAttestation:
    assert isinstance(app.attestation, FakeAttestation)
    return app.attestation


async def prove(
    app: AppHarness, to: PhoneNumber | None = None, client_ip: str = CLIENT_IP, **options: Any
) -> RequestOtpResult:
    """Request a code as an app that can make proofs."""
    with pytest.raises(AttestationRequired) as required:
        await app.request_otp(to, client_ip, can_send_proof=True, **options)
    proof = solve(required.value)
    return await app.request_otp(to, client_ip, can_send_proof=True, proof=proof, **options)


async def test_of_parallel_requests_with_one_proof_exactly_one_is_served(app: AppHarness) -> None:
    proof = await make_proof(app)
    before = len(app.messenger.messages)

    results = await asyncio.gather(
        *(app.request_otp(can_send_proof=True, proof=proof) for _ in range(20)),
        return_exceptions=True,
    )

    assert len(app.messenger.messages) == before + 1
    others = [result for result in results if not isinstance(result, RequestOtpResult)]
    assert all(isinstance(error, TooManyOtpRequests) for error in others)


async def test_a_used_proof_is_not_accepted_again() -> None:
    app = make_app(per_country=SlidingWindow(40, HOUR))
    await flood(app, 18)
    proof = await make_proof(app)
    await app.request_otp(can_send_proof=True, proof=proof)
    app.advance(minutes=5)
    attestation_of(app).status = ProofStatus.INVALID

    with pytest.raises(TooManyOtpRequests) as error:
        await app.request_otp(can_send_proof=True, proof=proof)
    attestation_of(app).status = None
    [rejected] = app.events.of_type(AttestationRejected)
    assert rejected.result == "used"
    # Not the hour of the strangers: another proof gets a code.
    app.advance(error.value.retry_after)
    assert (await prove(app)).sent


async def test_a_wrong_proof_and_that_for_another_phone_are_asked_for_another(
    app: AppHarness,
) -> None:
    with pytest.raises(AttestationRequired) as required:
        await app.request_otp(phone(100), can_send_proof=True)
    of_other = solve(required.value)

    requests = [required.value.attestation]
    for proof in (of_other, Proof("fake", ""), Proof("altcha", "x")):
        with pytest.raises(AttestationRequired) as required:
            await app.request_otp(can_send_proof=True, proof=proof)
        requests.append(required.value.attestation)
    assert all(new != old for old, new in pairwise(requests))
    # A wrong one for this phone uses up nothing.
    assert (await app.request_otp(can_send_proof=True, proof=solve(required.value))).sent


async def test_without_its_provider_the_client_waits_and_operators_read_why(
    app: AppHarness,
) -> None:
    attestation_of(app).status = ProofStatus.UNAVAILABLE
    attestation_of(app).makes_requests = False

    for proof in (Proof("fake", "0"), None):
        with pytest.raises(TooManyOtpRequests) as waiting:
            await app.request_otp(can_send_proof=True, proof=proof)
        assert waiting.value.retry_after == 30

    rejected = app.events.of_type(AttestationRejected)
    assert {each.result for each in rejected} == {"unavailable"}
    reasons = ["as the test says", "no proof request, as the test says"]
    assert [each.reason for each in rejected] == reasons


async def test_one_ip_has_as_many_proofs_checked_as_messages() -> None:
    app = make_app(per_ip=SlidingWindow(3, HOUR))
    await flood(app)
    wrong = Proof("fake", "wrong")

    for _ in range(2):
        with pytest.raises(AttestationRequired):
            await app.request_otp(can_send_proof=True, proof=wrong)
    for _ in range(2):
        with pytest.raises(TooManyOtpRequests):
            await app.request_otp(can_send_proof=True, proof=wrong)

    assert len(attestation_of(app).verified) == 3


@pytest.mark.parametrize(
    ("operation", "kill"), [("used_proofs.add", True), ("limit_store.acquire", False)]
)
async def test_after_an_interrupted_request_the_app_makes_another_proof(
    app: AppHarness, operation: str, kill: bool
) -> None:
    proof = await make_proof(app)
    after = None if operation == "used_proofs.add" else "used_proofs.add"
    app.faults.fail_on(operation, after=after, kill=kill, is_done=True)
    with pytest.raises((StorageTimeout, ProcessKilled)):
        await app.request_otp(can_send_proof=True, proof=proof)
    assert app.faults.has_fired
    app.faults.reset()

    assert (await prove(app)).sent


# Where strangers need a proof.


def make_asking_app(**limits: Any) -> AppHarness:
    return replace(make_app(**limits), asks_strangers=True)


async def test_a_stranger_gets_permits_for_a_proof_only() -> None:
    app = make_asking_app()
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp()
    assert (raised.value.retry_after, raised.value.limit) == (3600, "proof_required")
    assert not app.database.permits

    assert (await prove(app)).sent
    await app.verify_otp(app.last_code)
    app.advance(hours=1)
    assert (await app.request_otp()).sent  # now it is recognized


async def test_operators_see_that_strangers_need_a_proof() -> None:
    app = make_asking_app()
    state = await app.limits.describe_verification(a_phone())

    assert (state.next_message.until, state.next_message.limitation) == (
        app.clock.now() + HOUR,
        Limitation.PROOF_REQUIRED,
    )
    assert state.next_message_to_known.limitation is None


async def test_a_used_proof_is_deleted_by_the_cleanup_after_two_hours(app: AppHarness) -> None:
    await prove(app)
    stored = app.database.records.tables["used_proofs"]
    app.advance(hours=2, seconds=-1)
    assert (await app.operations.cleanup())["expired_attestations"] == 0
    app.advance(1)

    assert (await app.operations.cleanup())["expired_attestations"] == 1
    assert stored == {}
