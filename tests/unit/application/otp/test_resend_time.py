"""After too many attempts: when a new code can be requested."""

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.challenge import OtpCode
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import CoreHarness, wrong_code
from tests.support.core_policy import CorePolicy, make_core_policy

OTHER_IP = "203.0.113.8"
TWO_PER_IP = make_core_policy(rate_limits=RateLimits(per_ip=SlidingWindow(2, timedelta(hours=1))))
TEST_PHONE = make_core_policy(test_otps=TestOtps((TestOtp(a_phone(), OtpCode("012313")),)))


async def resend_in(app: CoreHarness, client_ip: str = CLIENT_IP, **proof: Any) -> int:
    """Use up the attempts, and return what the error says."""
    code = app.last_code if app.messenger.messages else "012313"
    for number in range(1, 7):
        try:
            await app.verify_otp(wrong_code(code, number), client_ip=client_ip, **proof)
        except TooManyAttempts as error:
            return error.resend_in or 0
    raise AssertionError("No attempt was rejected")


async def is_sent(app: CoreHarness, client_ip: str, **proof: Any) -> bool:
    try:
        return (await app.request_otp(client_ip=client_ip, **proof)).sent
    except TooManyOtpRequests:
        return False


@pytest.mark.parametrize(
    ("policy", "client_ip", "deliveries", "has_device", "seconds"),
    [
        (make_core_policy(), CLIENT_IP, 1, False, range(12, 13)),
        (make_core_policy(), OTHER_IP, 1, False, range(12, 13)),
        (make_core_policy(), CLIENT_IP, 4, False, range(27, 28)),
        (make_core_policy(), CLIENT_IP, 4, True, range(27, 28)),
        (TWO_PER_IP, CLIENT_IP, 2, False, range(3582, 3642)),
        (TWO_PER_IP, CLIENT_IP, 2, True, range(12, 13)),  # it needs no limit of the IP
        (TEST_PHONE, CLIENT_IP, 1, False, range(1, 2)),
    ],
)
async def test_the_time_is_exact_with_a_request_id_or_device_token(
    policy: CorePolicy, client_ip: str, deliveries: int, *, has_device: bool, seconds: range
) -> None:
    app, proof, request_id = CoreHarness(policy=policy), dict[str, Any](), ""
    if has_device:
        proof = {"device_token": (await app.open_session()).device_token}
        app.advance(days=1)
    for _ in range(deliveries):
        app.advance(15)
        request_id = (await app.request_otp(**proof)).request_id
    app.advance(3)

    wait = await resend_in(app, client_ip, **(proof or {"request_id": request_id}))

    assert wait in seconds
    app.advance(wait - 1)
    assert await is_sent(app, client_ip, **proof) == (policy is TEST_PHONE)
    app.advance(1)
    assert await is_sent(app, client_ip, **proof)


@pytest.mark.parametrize("deliveries", [0, 1, 4])
async def test_without_a_proof_it_is_the_same_for_every_phone(
    app: CoreHarness, deliveries: int
) -> None:
    for _ in range(deliveries):
        await app.request_otp()
        app.advance(15)
    assert await resend_in(app, OTHER_IP) == 15
    assert await resend_in(app, OTHER_IP, request_id="unknown") == 15
