"""Test phones have a code of their own and get no messages, until they expire."""

from datetime import timedelta
from typing import Final

import pytest

from application.otp.log_in import LoggedIn
from application.otp.verify_otp import OtpRejected
from domain.errors import CountryNotServed, TooManyOtpRequests
from domain.otp.challenge import OtpCode
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import CLIENT_IP, NOW, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy
from tests.support.fakes.messenger import REJECTED

REVIEWER: Final = a_phone(1)
CODE: Final = "123456"
VALID_DAYS: Final = 10
TEST_OTPS: Final = TestOtps((TestOtp(REVIEWER, OtpCode(CODE), NOW + timedelta(days=VALID_DAYS)),))
OTHER_IP: Final = "198.51.100.20"


@pytest.fixture
def app() -> CoreHarness:
    return CoreHarness(policy=make_core_policy(test_otps=TEST_OTPS))


async def test_a_test_otp_can_be_used_once_for_each_request_without_cooldown(
    app: CoreHarness,
) -> None:
    for client_ip in (CLIENT_IP, OTHER_IP):
        assert isinstance(await app.verify_otp(CODE, REVIEWER), OtpRejected)
        requests = [await app.request_otp(REVIEWER, client_ip) for _ in range(2)]
        assert all(request.sent for request in requests)
        logged_in = await app.verify_otp(CODE, REVIEWER, request_id=requests[-1].request_id)
        assert isinstance(logged_in, LoggedIn)


async def test_requests_of_a_test_phone_count_for_the_ip_only() -> None:
    one_per_hour = SlidingWindow(1, timedelta(hours=1))
    limits = RateLimits(
        per_ip=SlidingWindow(3, timedelta(hours=1)), per_country=one_per_hour, total=one_per_hour
    )
    app = CoreHarness(policy=make_core_policy(test_otps=TEST_OTPS, rate_limits=limits))
    for _ in range(3):
        await app.request_otp(REVIEWER)
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(REVIEWER)
    await app.request_otp(a_phone(2), OTHER_IP)
    assert len(app.messenger.messages) == 1


async def test_a_test_phone_needs_neither_served_country_nor_provider() -> None:
    app = CoreHarness(policy=make_core_policy(test_otps=TEST_OTPS, countries={"IN"}))
    app.messenger.result = REJECTED
    await app.request_otp(REVIEWER)
    assert isinstance(await app.verify_otp(CODE, REVIEWER), LoggedIn)
    with pytest.raises(CountryNotServed):
        await app.request_otp(a_phone(2))
