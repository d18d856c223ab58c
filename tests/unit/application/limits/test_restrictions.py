"""What keeps a client out for a time, whatever the limits say."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from application.otp.events import OtpRequestRejected
from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.features.attestation.errors import AttestationRequired
from domain.otp.challenge import parse_otp_code
from domain.otp.delivery_policy import Limitation
from domain.otp.permits import Recognition
from domain.otp.rate_limits import RateLimits, Restriction
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.attestation import FakeAttestation, solve

HOUR: Final = timedelta(hours=1)


def restrict(
    app: AppHarness, *, ends_with_proof: bool, name: str = "restricted"
) -> list[tuple[str, Recognition, datetime]]:
    """Keep strangers out for an hour, and return which clients were asked about."""
    asked: list[tuple[str, Recognition, datetime]] = []
    until = app.clock.now() + HOUR

    def find(client_ip: str, recognition: Recognition, now: datetime) -> Restriction | None:
        asked.append((client_ip, recognition, now))
        is_over = recognition is not Recognition.NONE or now >= until
        return None if is_over else Restriction(name, until, ends_with_proof)

    app.limits.restrictions.append(find)
    return asked


def make_app(**decisions: Any) -> AppHarness:
    limits = RateLimits(has_attested_part=True)
    decisions = {"rate_limits": limits, "webhook_urls": WEBHOOK_URLS} | decisions
    return AppHarness(policy=make_policy(**decisions), attestation=FakeAttestation())


async def rejection(app: AppHarness, **options: Any) -> tuple[int, str]:
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp(**options)
    return raised.value.retry_after, raised.value.limit


async def test_of_several_the_one_holds_that_no_proof_ends() -> None:
    app = make_app()
    restrict(app, ends_with_proof=True, name="proof_required")
    restrict(app, ends_with_proof=False, name="block_network")
    assert await rejection(app, accepts_attestation=True) == (3600, "block_network")


@pytest.mark.parametrize("ends_with_proof", [True, False])
async def test_a_restricted_client_waits_for_the_end_without_a_proof_that_ends_it(
    *, ends_with_proof: bool
) -> None:
    app = make_app()
    asked = restrict(app, ends_with_proof=ends_with_proof)

    accepts_attestation = not ends_with_proof
    assert await rejection(app, accepts_attestation=accepts_attestation) == (3600, "restricted")
    assert asked == [(CLIENT_IP, Recognition.NONE, app.clock.now())]
    assert app.events.of_type(OtpRequestRejected)[-1].limit == "restricted"
    app.clock.advance(HOUR)
    assert (await app.request_otp()).sent


async def test_a_client_waits_longer_where_a_limit_is_full_at_the_end() -> None:
    app = make_app(rate_limits=RateLimits(per_ip=SlidingWindow(1, 2 * HOUR)))
    await app.request_otp(a_phone(2))
    restrict(app, ends_with_proof=False)

    retry_after, limit = await rejection(app)
    assert (retry_after >= 2 * 3600, limit) == (True, "restricted")


async def test_a_proof_ends_a_restriction_that_says_so() -> None:
    app = make_app()
    restrict(app, ends_with_proof=True)

    with pytest.raises(AttestationRequired) as required:
        await app.request_otp(accepts_attestation=True)
    proof = solve(required.value)
    assert (await app.request_otp(accepts_attestation=True, proof=proof)).sent


async def test_test_phones_are_never_restricted() -> None:
    app = make_app(test_otps=TestOtps((TestOtp(a_phone(2), parse_otp_code("123456")),)))
    asked = restrict(app, ends_with_proof=False)
    assert (await app.request_otp(a_phone(2))).sent
    assert asked == []


@pytest.mark.parametrize(("ends_with_proof", "resend_in"), [(True, 15), (False, 3600)])
async def test_a_resend_waits_only_for_a_restriction_that_no_proof_ends(
    *, ends_with_proof: bool, resend_in: int
) -> None:
    app = make_app()
    requested = await app.request_otp()
    restrict(app, ends_with_proof=ends_with_proof)
    app.advance(seconds=1)
    for digits in range(5):
        await app.verify_otp(f"00000{digits}", request_id=requested.request_id)
    with pytest.raises(TooManyAttempts) as raised:
        await app.verify_otp("000005", request_id=requested.request_id)
    assert raised.value.resend_in == resend_in - 1


async def test_operators_see_what_keeps_strangers_out() -> None:
    app = make_app()
    restrict(app, ends_with_proof=True)
    state = await app.limits.describe_verification(a_phone())

    assert (state.next_message.until, state.next_message.limitation) == (
        app.clock.now() + HOUR,
        Limitation.PROOF_REQUIRED,
    )
    assert state.next_message_to_known.limitation is None
