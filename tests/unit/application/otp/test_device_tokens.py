"""Device tokens: who gets one, what it changes, and what revokes it."""

from datetime import timedelta
from typing import Any

import pytest

from application.otp.log_in import LoggedIn, VerifyOtpCommand
from domain.errors import TooManyAttemptsFromIp, TooManyOtpRequests
from domain.identities.device_token import DeviceToken
from domain.otp.challenge import parse_otp_code
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.core_harness import CoreHarness, make_core_policy, wrong_code

OTHER_IP = "198.51.100.1"


async def is_recognized(app: CoreHarness, token: DeviceToken | None) -> bool:
    """Use up what strangers have, and return whether the device may still request a code."""
    app.advance(days=1)
    for number in range(4):
        await app.request_otp(client_ip=f"192.0.2.{number}")
    try:
        await app.request_otp(client_ip=OTHER_IP, device_token=token)
    except TooManyOtpRequests:
        return False
    return True


async def test_a_login_returns_a_token_that_is_recognized_and_not_stored(app: CoreHarness) -> None:
    token = (await app.open_session()).device_token
    assert token is not None
    assert await is_recognized(app, token)
    (identity,) = app.database.identities.values()
    assert [device.id for device in identity.value.devices] == [token.device_id]
    assert token.secret.hex() not in repr(identity)


async def test_a_client_that_does_not_know_device_tokens_gets_none(app: CoreHarness) -> None:
    await app.request_otp()
    command = VerifyOtpCommand(a_phone(), parse_otp_code(app.last_code), CLIENT_IP)
    result = await app.otp.verify_otp(command)
    assert isinstance(result, LoggedIn)
    assert result.device_token is None


async def test_a_device_that_failed_too_often_gets_another_token(app: CoreHarness) -> None:
    token = (await app.open_session()).device_token
    for _ in range(4):
        app.advance(hours=1)
        await app.request_otp(client_ip=OTHER_IP)
        for number in range(1, 6):
            wrong = wrong_code(app.last_code, number)
            await app.verify_otp(wrong, client_ip=OTHER_IP, device_token=token)
    app.advance(days=1)
    other = (await app.open_session(device_token=token)).device_token
    assert other != token
    assert await is_recognized(app, other)


@pytest.mark.parametrize("sent", ["device token", "request id"])
async def test_no_stranger_at_the_same_ip_uses_up_the_attempts_of_a_token_or_id(sent: str) -> None:
    limits = RateLimits(verifications_per_ip=SlidingWindow(1, timedelta(hours=1)))
    app = CoreHarness(policy=make_core_policy(rate_limits=limits))
    token = (await app.open_session()).device_token
    app.advance(hours=12)
    request_id = (await app.request_otp()).request_id
    code = app.last_code
    await app.verify_otp("000000", a_phone(2))
    with pytest.raises(TooManyAttemptsFromIp):
        await app.verify_otp(code)
    texts: dict[str, Any] = {"device_token": token, "request_id": request_id}
    name = sent.replace(" ", "_")
    assert isinstance(await app.verify_otp(code, **{name: texts[name]}), LoggedIn)
