"""Failed attempts: the limits that many phones share, and attempts without a challenge."""

from datetime import timedelta

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from application.wiring import Policy
from domain.errors import TooManyAttempts
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from tests.support.app_harness import AppHarness, wrong_code
from tests.support.builders import a_phone

HOUR = timedelta(hours=1)
OTHER_IP = "198.51.100.1"


def app_with_limits(per_country: int = 1000, total: int = 1000) -> AppHarness:
    limits = RateLimits(
        failed_attempts_per_country=SlidingWindow(per_country, HOUR),
        failed_attempts_total=SlidingWindow(total, HOUR),
    )
    return AppHarness(policy=Policy(rate_limits=limits))


async def fail(app: AppHarness, number: int, attempts: int = 1) -> None:
    """Request a code for a phone and send wrong ones, from a network for each phone."""
    await app.request_otp(a_phone(number), f"10.1.{number}.1")
    for code in range(1, 1 + attempts):
        wrong = wrong_code(app.last_code, code)
        await app.verify_otp(wrong, a_phone(number), f"10.1.{number}.1")


async def attempts_of_a_delivery(app: AppHarness) -> int:
    await app.request_otp(a_phone(0), OTHER_IP)
    result = await app.verify_otp(wrong_code(app.last_code), a_phone(0), OTHER_IP)
    assert isinstance(result, OtpRejected)
    return result.attempts_left + 1


@pytest.mark.parametrize("limits", [{"per_country": 3}, {"total": 3}])
async def test_at_the_limit_a_delivery_brings_two_attempts(limits: dict[str, int]) -> None:
    app = app_with_limits(**limits)
    for number in range(1, 4):
        await fail(app, number)
    assert await attempts_of_a_delivery(app) == 2
    app.advance(hours=1)
    assert await attempts_of_a_delivery(app) == 5


async def test_at_the_limit_unknown_ips_have_no_attempts() -> None:
    app = app_with_limits(total=3)
    await app.request_otp(a_phone(0), OTHER_IP)
    code = app.last_code
    for number in range(1, 4):
        await fail(app, number)
    with pytest.raises(TooManyAttempts):
        await app.verify_otp(code, a_phone(0), "192.0.2.1")
    assert isinstance(await app.verify_otp(code, a_phone(0), OTHER_IP), LoggedIn)


async def test_one_network_uses_up_a_twentieth_of_the_limit() -> None:
    app = app_with_limits(total=40)
    await fail(app, 1, attempts=5)
    await app.request_otp(a_phone(2), "10.1.1.2")
    request = await app.verify_otp(wrong_code(app.last_code), a_phone(2), "10.1.1.2")
    assert request == OtpRejected(1)
    assert await attempts_of_a_delivery(app) == 5
    (of_all,) = (
        len(permits)
        for name, permits in app.database.permits.items()
        if name.endswith("failed_attempts:total")
    )
    assert of_all == 2 + 1


async def test_only_failures_that_count_use_the_limit() -> None:
    app = app_with_limits(total=1)
    await app.verify_otp("000000", a_phone(1))  # without a challenge
    await app.request_otp(a_phone(1))
    code = app.last_code
    assert isinstance(await app.verify_otp(code, a_phone(1)), LoggedIn)
    await app.verify_otp(code, a_phone(1))  # the code that was just used
    assert await attempts_of_a_delivery(app) == 5


# Without a challenge


async def test_an_ip_has_five_attempts_an_hour_at_a_phone(app: AppHarness) -> None:
    results = [await app.verify_otp(f"{number:06d}") for number in range(5)]
    assert results == [OtpRejected(left) for left in (4, 3, 2, 1, 0)]
    app.advance(minutes=20)
    with pytest.raises(TooManyAttempts) as error:
        await app.verify_otp("000009")
    assert error.value.retry_after == 40 * 60
    assert await app.verify_otp("000009", client_ip=OTHER_IP) == OtpRejected(4)
    assert await app.verify_otp("000009", a_phone(2)) == OtpRejected(4)
    app.advance(minutes=40)
    assert await app.verify_otp("000009") == OtpRejected(4)
    # Nothing is stored but counts, and no name of a limit reveals the phone.
    assert app.database.phone_verifications == {}
    assert not [name for name in app.database.permits if a_phone().e164[-7:] in name]


async def test_a_repeat_is_not_counted(app: AppHarness) -> None:
    for seconds, left in ((0, 4), (9, 4), (1, 3), (1, 3)):
        app.advance(seconds)
        assert await app.verify_otp("000000") == OtpRejected(left)


async def test_used_up_attempts_do_not_reject_the_code_of_a_later_request(app: AppHarness) -> None:
    for number in range(5):
        await app.verify_otp(f"{number:06d}")
    await app.request_otp()
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)
