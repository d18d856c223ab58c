"""What a feature restricts for strangers: a proof that is asked for, and smaller parts."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from application.limits.delivery_terms import RequestedDelivery
from application.otp.events import OtpRequestRejected
from application.otp.request_otp import RequestOtpResult
from domain.attestation.errors import AttestationRequired
from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.delivery_policy import Limitation, Wait
from domain.otp.permits import Recognition
from domain.otp.rate_limits import (
    LimitPurpose,
    RateLimit,
    RateLimits,
    Reservation,
    Restriction,
)
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone
from tests.support.core_harness import wrong_code
from tests.support.fakes.attestation import FakeAttestation, solve
from tests.support.policies import make_policy

HOUR: Final = timedelta(hours=1)


class Restrict:
    """Terms that restrict strangers until a time."""

    def __init__(self, *, needs_proof: bool) -> None:
        self.restriction = Restriction(name="test", until=NOW + HOUR, needs_proof=needs_proof)

    def change(self, reservation: Reservation, delivery: RequestedDelivery) -> Reservation:
        if delivery.recognition is not Recognition.NONE:
            return reservation
        return replace(reservation, restriction=self.restriction)


def make_app(size: int = 1_000, *, needs_proof: bool = True) -> AppHarness:
    limits = RateLimits(per_country=SlidingWindow(size, HOUR), has_attested_part=needs_proof)
    attestation = FakeAttestation() if needs_proof else None
    app = AppHarness(policy=make_policy(rate_limits=limits), attestation=attestation)
    app.limits.limits.terms.append(Restrict(needs_proof=needs_proof))
    return app


def phone(number: int) -> PhoneNumber:
    return parse_phone(f"+1415{555 + number}2671", None)


async def prove(app: AppHarness, number: int) -> RequestOtpResult:
    client_ip = f"198.18.{number}.1"
    with pytest.raises(AttestationRequired) as required:
        await app.request_otp(phone(number), client_ip, accepts_attestation=True)
    proof = solve(required.value)
    return await app.request_otp(phone(number), client_ip, accepts_attestation=True, proof=proof)


async def test_without_a_proof_a_stranger_waits_until_the_restriction_ends() -> None:
    app = make_app()

    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp()

    error = raised.value
    assert (error.retry_after, error.limit, error.part) == (3600, "test", "strangers")
    assert app.events.of_type(OtpRequestRejected)[-1].limit == "test"
    assert app.messenger.messages == []
    state = await app.limits.describe_verification(a_phone())
    assert state.next_message == Wait(NOW + HOUR, Limitation.PROOF_REQUIRED)
    assert state.next_message_to_known == Wait(NOW)


async def test_with_a_proof_strangers_have_their_part_and_that_of_proofs() -> None:
    app = make_app(20)

    for number in range(12):
        assert (await prove(app, number)).sent
    with pytest.raises(TooManyOtpRequests) as raised:
        await prove(app, 12)
    assert raised.value.limit == "test"


async def test_a_country_without_a_part_for_proofs_serves_clients_with_a_proof() -> None:
    app = make_app(3)  # 15 % of it is nothing

    assert (await prove(app, 0)).sent


async def test_a_smaller_part_that_rejects_has_the_name_of_the_restriction() -> None:
    app = make_app(5, needs_proof=False)
    for number in range(4):
        await app.request_otp(phone(number), f"198.18.{number}.1")

    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(phone(4), "198.18.4.1")

    assert raised.value.limit == "test"


class LimitCountry:
    """Terms with a limit of the country that no restriction makes smaller."""

    def change(self, reservation: Reservation, delivery: RequestedDelivery) -> Reservation:
        window = SlidingWindow(1, HOUR)
        country = f"country:{delivery.phone.country}"
        limit = RateLimit(country, LimitPurpose.DELIVERIES, "other", window)
        return reservation.with_limits(limit)


async def test_a_limit_of_another_feature_keeps_its_name() -> None:
    app = make_app(needs_proof=False)
    app.limits.limits.terms.append(LimitCountry())
    await app.request_otp(phone(0), "198.18.0.1")

    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(phone(1), "198.18.1.1")

    assert raised.value.limit == "other_per_country"


async def test_who_has_a_code_is_told_the_cooldown_and_not_the_restriction() -> None:
    app = make_app()
    sent = await prove(app, 0)

    async def guess(number: int) -> None:
        code = wrong_code(app.last_code, number + 1)
        await app.verify_otp(code, phone(0), "198.18.0.1", request_id=sent.request_id)

    for number in range(5):
        await guess(number)
    with pytest.raises(TooManyAttempts) as raised:
        await guess(5)

    assert raised.value.resend_in is not None
    assert 0 < raised.value.resend_in <= 60
