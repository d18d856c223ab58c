"""A client in a blocked network gets no code, whatever the limits say."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from application.otp.events import OtpRequestRejected
from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.challenge import parse_otp_code
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy

HOUR: Final = timedelta(hours=1)
TEST_OTPS: Final = TestOtps((TestOtp(a_phone(2), parse_otp_code("123456")),))


def block(app: CoreHarness) -> None:
    """Block the network of the client for an hour."""
    until = app.clock.now() + HOUR

    def find(client_ip: str, now: datetime) -> datetime | None:
        return until if client_ip == CLIENT_IP and now < until else None

    app.limits.delivery_limiter.find_network_block = find


async def rejection(app: CoreHarness) -> TooManyOtpRequests:
    with pytest.raises(TooManyOtpRequests) as raised:
        await app.request_otp()
    return raised.value


async def test_a_client_in_it_waits_for_its_end_and_nothing_is_used_up(app: CoreHarness) -> None:
    block(app)

    error = await rejection(app)

    assert (error.retry_after, error.limit) == (3600, "block_network")
    assert app.events.of_type(OtpRequestRejected)[-1].limit == "block_network"
    assert not app.database.permits
    assert (await app.request_otp(client_ip="198.18.1.1")).sent
    app.clock.advance(HOUR)
    assert (await app.request_otp()).sent


async def test_within_the_cooldown_it_refers_to_the_message_that_was_sent(
    app: CoreHarness,
) -> None:
    await app.request_otp()
    block(app)

    assert not (await app.request_otp()).sent


async def test_test_phones_may_be_in_one() -> None:
    app = CoreHarness(policy=make_core_policy(test_otps=TEST_OTPS))
    block(app)

    assert (await app.request_otp(a_phone(2))).sent


async def test_a_resend_waits_for_its_end(app: CoreHarness) -> None:
    requested = await app.request_otp()
    block(app)
    app.advance(seconds=1)
    for digits in range(5):
        await app.verify_otp(f"00000{digits}", request_id=requested.request_id)
    with pytest.raises(TooManyAttempts) as raised:
        await app.verify_otp("000005", request_id=requested.request_id)

    assert raised.value.resend_in == 3599
