"""The rate limits that many phones share."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.otp.verify_otp import LoggedIn
from application.wiring import Policy
from domain.errors import DeliveryFailed, PhoneUnreachable, TooManyAttempts, TooManyOtpRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN

HOUR = timedelta(hours=1)
CLIENT_IP = "203.0.113.7"
OTHER_IP = "203.0.113.8"


def phone(number: int, country: str = "+1415555") -> PhoneNumber:
    return parse_phone(f"{country}{2000 + number}", None)


def app_with_limits(**limits: SlidingWindow) -> AppHarness:
    return AppHarness(policy=Policy(rate_limits=replace(RateLimits(), **limits)))


async def request_otps(app: AppHarness, count: int) -> None:
    for number in range(count):
        assert (await app.request_otp(phone(number), CLIENT_IP)).sent


async def test_the_limit_of_an_ip_has_a_correct_retry_after() -> None:
    app = app_with_limits(per_ip=SlidingWindow(2, HOUR))
    await app.request_otp(phone(1), CLIENT_IP)
    app.advance(600)
    await app.request_otp(phone(2), CLIENT_IP)

    with pytest.raises(TooManyOtpRequests) as error:
        await app.request_otp(phone(3), CLIENT_IP)

    assert error.value.retry_after == 3000
    app.advance(error.value.retry_after - 1)
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(3), CLIENT_IP)
    app.advance(1)
    assert (await app.request_otp(phone(3), CLIENT_IP)).sent


async def test_the_limit_of_an_ip_affects_no_other_ip() -> None:
    app = app_with_limits(per_ip=SlidingWindow(2, HOUR))
    await request_otps(app, 2)

    assert (await app.request_otp(phone(3), OTHER_IP)).sent


async def test_an_ip_without_permits_starts_no_cooldown() -> None:
    app = app_with_limits(per_ip=SlidingWindow(2, HOUR))
    await request_otps(app, 2)

    for _ in range(20):
        with pytest.raises(TooManyOtpRequests):
            await app.request_otp(phone(3), CLIENT_IP)

    assert (await app.request_otp(phone(3), OTHER_IP)).sent


async def test_an_ipv6_48_has_ten_times_the_limit_of_a_64() -> None:
    app = app_with_limits(per_ip=SlidingWindow(2, HOUR))
    for number in range(20):
        assert (await app.request_otp(phone(number), f"2001:db8:0:{number:x}::/64")).sent

    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(20), "2001:db8:0:ff::/64")
    assert (await app.request_otp(phone(20), "2001:db8:1::/64")).sent


async def test_the_limit_of_a_country_affects_no_other_country() -> None:
    app = app_with_limits(per_country=SlidingWindow(2, HOUR))
    await request_otps(app, 2)

    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(3), OTHER_IP)
    assert (await app.request_otp(parse_phone("+4915123456789", None))).sent


async def test_a_login_releases_the_permit_of_the_ip() -> None:
    app = app_with_limits(per_ip=SlidingWindow(2, HOUR))
    for number in range(10):
        await app.request_otp(phone(number), CLIENT_IP)
        result = await app.verify_otp(app.last_code, phone(number), CLIENT_IP)
        assert isinstance(result, LoggedIn)


async def test_a_login_from_another_ip_releases_the_permit_of_the_first_ip() -> None:
    app = app_with_limits(per_ip=SlidingWindow(1, HOUR))
    request = await app.request_otp(phone(1), CLIENT_IP)
    code = app.last_code
    await app.verify_otp(code, phone(1), "198.51.100.1", request_id=request.request_id)

    assert (await app.request_otp(phone(2), CLIENT_IP)).sent


async def test_a_login_keeps_the_permits_of_country_and_total() -> None:
    for limits in ({"per_country": SlidingWindow(1, HOUR)}, {"total": SlidingWindow(1, HOUR)}):
        app = app_with_limits(**limits)
        await app.request_otp(phone(1), CLIENT_IP)
        await app.verify_otp(app.last_code, phone(1), CLIENT_IP)

        with pytest.raises(TooManyOtpRequests):
            await app.request_otp(phone(2), CLIENT_IP)


async def test_a_rejected_message_releases_all_permits() -> None:
    window = SlidingWindow(1, HOUR)
    app = app_with_limits(per_ip=window, per_country=window, total=window)
    app.messenger.result = REJECTED
    with pytest.raises(DeliveryFailed):
        await app.request_otp(phone(1), CLIENT_IP)

    app.messenger.result = ACCEPTED
    assert (await app.request_otp(phone(2), CLIENT_IP)).sent


async def test_an_invalid_number_keeps_only_the_permit_of_the_ip() -> None:
    window = SlidingWindow(1, HOUR)
    app = app_with_limits(per_ip=window, per_country=window, total=window)
    app.messenger.result = INVALID_NUMBER
    with pytest.raises(PhoneUnreachable):
        await app.request_otp(phone(1), CLIENT_IP)

    app.messenger.result = ACCEPTED
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(2), CLIENT_IP)
    assert (await app.request_otp(phone(2), OTHER_IP)).sent


async def test_an_unknown_result_keeps_all_permits() -> None:
    app = app_with_limits(total=SlidingWindow(1, HOUR))
    app.messenger.result = UNKNOWN
    await app.request_otp(phone(1), CLIENT_IP)

    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(2), OTHER_IP)


async def test_a_request_within_the_cooldown_acquires_no_permit() -> None:
    app = app_with_limits(per_ip=SlidingWindow(2, HOUR))
    await app.request_otp(phone(1), CLIENT_IP)
    for _ in range(3):
        assert not (await app.request_otp(phone(1), CLIENT_IP)).sent

    assert (await app.request_otp(phone(2), CLIENT_IP)).sent


async def test_of_two_limits_the_later_retry_after_is_returned() -> None:
    app = app_with_limits(per_ip=SlidingWindow(1, HOUR))
    await app.request_otp(phone(1), OTHER_IP)
    await app.request_otp(phone(2), CLIENT_IP)
    for _ in range(3):
        await app.request_otp(phone(1), CLIENT_IP)

    with pytest.raises(TooManyOtpRequests) as error:
        await app.request_otp(phone(1), CLIENT_IP)

    assert error.value.retry_after == 3600


async def test_attempts_of_an_ip_are_limited_over_all_phones() -> None:
    app = app_with_limits(verifications_per_ip=SlidingWindow(3, HOUR))
    for number in range(3):
        await app.verify_otp("000000", phone(number), CLIENT_IP)
    app.advance(60)

    with pytest.raises(TooManyAttempts) as error:
        await app.verify_otp("000000", phone(3), CLIENT_IP)

    assert error.value.retry_after == 3540
    await app.verify_otp("000000", phone(3), OTHER_IP)


async def test_an_attempt_rejected_for_its_ip_is_not_counted_for_the_phone() -> None:
    app = app_with_limits(verifications_per_ip=SlidingWindow(1, HOUR))
    request = await app.request_otp(phone(1), "198.51.100.1")
    await app.verify_otp("000000", phone(2), CLIENT_IP)
    for _ in range(9):
        with pytest.raises(TooManyAttempts):
            await app.verify_otp("000000", phone(1), CLIENT_IP, request_id=request.request_id)

    code = app.last_code
    result = await app.verify_otp(code, phone(1), "198.51.100.1", request_id=request.request_id)
    assert isinstance(result, LoggedIn)
