"""The rate limits that many phones share."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from application.wiring import Policy
from domain.errors import (
    DeliveryFailed,
    PhoneUnreachable,
    TooManyAttempts,
    TooManyAttemptsFromIp,
    TooManyOtpRequests,
)
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN

HOUR = timedelta(hours=1)
CLIENT_IP = "203.0.113.7"
OTHER_IP = "203.0.113.8"
PHONES_OF_COUNTRIES = (
    "+919876543210",
    "+14155552671",
    "+4915123456789",
    "+33612345678",
    "+447400123456",
    "+393123456789",
)


def phone(number: int, country: str = "+1415555") -> PhoneNumber:
    return parse_phone(f"{country}{2000 + number}", None)


def app_with_limits(**limits: Any) -> AppHarness:
    return AppHarness(policy=Policy(rate_limits=replace(RateLimits(), **limits)))


def network_ip(number: int) -> str:
    """Return an IP in a network of its own."""
    return f"198.18.{number}.1"


async def is_sent(app: AppHarness, phone: PhoneNumber, client_ip: str = CLIENT_IP) -> bool:
    try:
        return (await app.request_otp(phone, client_ip)).sent
    except TooManyOtpRequests:
        return False


async def log_in(app: AppHarness, phone: PhoneNumber, client_ip: str) -> None:
    await app.request_otp(phone, client_ip)
    assert isinstance(await app.verify_otp(app.last_code, phone, client_ip), LoggedIn)


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


async def test_an_ipv6_48_has_three_times_the_limit_of_a_64() -> None:
    app = app_with_limits(per_ip=SlidingWindow(2, HOUR))
    for number in range(6):
        assert (await app.request_otp(phone(number), f"2001:db8:0:{number:x}::/64")).sent

    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(20), "2001:db8:0:ff::/64")
    assert (await app.request_otp(phone(20), "2001:db8:1::/64")).sent


async def test_the_limit_of_a_country_affects_no_other_country() -> None:
    app = app_with_limits(per_country=SlidingWindow(1, HOUR))
    await request_otps(app, 1)

    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(3), OTHER_IP)
    assert (await app.request_otp(parse_phone("+4915123456789", None))).sent


@pytest.mark.parametrize("limit_name", ["per_country", "total"])
async def test_recognized_requesters_have_forty_percent_of_a_limit(limit_name: str) -> None:
    app = app_with_limits(**{limit_name: SlidingWindow(20, HOUR)})
    owners = [(phone(number), network_ip(number)) for number in range(8)]
    for owner, ip in owners:
        await log_in(app, owner, ip)
    app.advance(3600)

    strangers = [await is_sent(app, phone(50 + n), network_ip(100 + n)) for n in range(20)]
    recognized = [await is_sent(app, owner, ip) for owner, ip in owners]

    assert (sum(strangers), sum(recognized)) == (12, 8)


async def test_strangers_keep_the_rest_if_only_recognized_requesters_come() -> None:
    app = app_with_limits(per_country=SlidingWindow(10, HOUR))
    for number in range(6):
        await log_in(app, phone(number), network_ip(number))
    app.advance(3600)
    for number in range(6):
        assert await is_sent(app, phone(number), network_ip(number))

    strangers = [await is_sent(app, phone(50 + n), network_ip(100 + n)) for n in range(9)]

    assert sum(strangers) == 4


async def test_a_phone_at_another_ip_than_its_own_is_not_recognized() -> None:
    app = app_with_limits(per_country=SlidingWindow(1, HOUR))
    await log_in(app, phone(1), CLIENT_IP)
    app.advance(3600)
    assert await is_sent(app, phone(2), network_ip(1))

    assert not await is_sent(app, phone(1), OTHER_IP)


async def test_a_phone_without_identity_is_not_recognized() -> None:
    app = app_with_limits(total=SlidingWindow(2, HOUR))
    principal = await app.log_in(phone(1))
    await app.use_cases.delete_user(principal)
    await app.use_cases.cleanup()
    app.advance(3600)
    assert await is_sent(app, phone(2), network_ip(1))

    assert not await is_sent(app, phone(1))


@pytest.mark.parametrize("ip", ["198.18.7.{}", "2001:db8:7:{:x}::/64"])
async def test_one_network_has_five_percent_of_the_limit_of_a_country(ip: str) -> None:
    app = app_with_limits(per_country=SlidingWindow(60, HOUR))

    sent = [await is_sent(app, phone(number), ip.format(number)) for number in range(10)]

    assert sum(sent) == 3
    assert await is_sent(app, phone(20), network_ip(1))
    assert await is_sent(app, parse_phone("+4915123456789", None), ip.format(0))


async def test_requesters_with_an_unknown_ip_are_one_network() -> None:
    app = app_with_limits(per_country=SlidingWindow(60, HOUR))

    assert sum([await is_sent(app, phone(number), "unknown") for number in range(10)]) == 3


@pytest.mark.parametrize(
    ("client_ip", "networks"),
    [("2001:db8:{0}:{1:x}::/64", 2), ("198.18.0.{2}", 1), ("198.{0}.{3}.1", 250)],
    ids=["two IPv6 /48", "17 IPv4 addresses", "250 IPv4 networks"],
)
async def test_a_flood_leaves_deliveries_for_a_known_owner_and_for_others(
    client_ip: str, networks: int
) -> None:
    app = AppHarness()
    await log_in(app, phone(1), CLIENT_IP)
    app.advance(hours=12)

    sent = [
        await is_sent(
            app,
            parse_phone(f"+1206{2_000_000 + number * 1_003:07d}"),
            client_ip.format(number % 2, number, number % 17, number % 250),
        )
        for number in range(1_000)
    ]

    assert sum(sent) == min(600, 50 * networks)
    assert await is_sent(app, phone(1), CLIENT_IP)
    assert await is_sent(app, phone(2), OTHER_IP) == (networks < 250)


async def test_a_block_of_numbers_gets_fifty_messages_for_each_ten_thousand() -> None:
    app = AppHarness()

    sent = [
        await is_sent(
            app,
            parse_phone(f"+14155{500_000 + number * 97 % 100_000:06d}"),
            f"198.{number // 250}.{number % 250}.1",
        )
        for number in range(1_000)
    ]

    assert sum(sent) == 500


async def test_one_ip_requests_codes_for_five_countries_a_day() -> None:
    app = AppHarness()
    served = [parse_phone(text) for text in PHONES_OF_COUNTRIES[:5]]
    sixth = parse_phone(PHONES_OF_COUNTRIES[5])
    for number in served:
        assert await is_sent(app, number, CLIENT_IP)
        app.advance(3600)

    with pytest.raises(TooManyOtpRequests) as error:
        await app.request_otp(sixth, CLIENT_IP)

    assert error.value.retry_after == 19 * 3600
    assert await is_sent(app, served[0], CLIENT_IP)
    assert await is_sent(app, sixth, OTHER_IP)
    app.advance(19 * 3600)
    assert not await is_sent(app, sixth, CLIENT_IP)  # the first country was requested again
    app.advance(3600)
    assert await is_sent(app, sixth, CLIENT_IP)


async def test_a_number_range_has_a_limit() -> None:
    app = app_with_limits(per_range=SlidingWindow(3, HOUR))

    sent = [await is_sent(app, phone(number), network_ip(number)) for number in range(10)]

    assert sum(sent) == 3
    assert await is_sent(app, phone(1, "+1415556"), network_ip(20))


async def test_a_range_whose_phones_log_in_is_not_limited_until_the_higher_limit() -> None:
    app = app_with_limits(per_range=SlidingWindow(2, HOUR), all_deliveries_factor=3)
    for number in range(6):
        await log_in(app, phone(number), network_ip(number))

    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(phone(7), network_ip(7))


async def test_a_known_owner_is_not_limited_by_strangers_in_the_same_range() -> None:
    app = app_with_limits(per_range=SlidingWindow(3, HOUR))
    await log_in(app, phone(1), CLIENT_IP)
    app.advance(3600)
    for number in range(3):
        assert await is_sent(app, phone(10 + number), network_ip(number))
    assert not await is_sent(app, phone(20), network_ip(20))

    assert await is_sent(app, phone(1), CLIENT_IP)


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


@pytest.mark.parametrize("limit_name", ["per_country", "total"])
async def test_a_login_releases_the_permits_of_country_and_total(limit_name: str) -> None:
    app = app_with_limits(**{limit_name: SlidingWindow(1, HOUR)})
    for number in range(5):
        await log_in(app, phone(number), network_ip(number))


@pytest.mark.parametrize("limit_name", ["per_country", "total"])
async def test_a_higher_limit_counts_deliveries_with_a_login_too(limit_name: str) -> None:
    app = app_with_limits(**{limit_name: SlidingWindow(2, HOUR)}, all_deliveries_factor=5)
    for number in range(6):  # unrecognized requesters have 60 % of this limit too
        await log_in(app, phone(number), network_ip(number))

    with pytest.raises(TooManyOtpRequests) as error:
        await app.request_otp(phone(7), network_ip(7))

    assert error.value.retry_after == 3600


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


async def test_an_invalid_number_releases_the_permits_of_all_deliveries() -> None:
    app = app_with_limits(total=SlidingWindow(1, HOUR), all_deliveries_factor=1)
    app.messenger.result = INVALID_NUMBER
    with pytest.raises(PhoneUnreachable):
        await app.request_otp(phone(1), CLIENT_IP)

    app.messenger.result = ACCEPTED
    assert (await app.request_otp(phone(2), CLIENT_IP)).sent


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


async def test_repeats_and_replays_use_the_limit_of_their_ip() -> None:
    app = app_with_limits(verifications_per_ip=SlidingWindow(4, HOUR))
    await app.request_otp(phone(1), CLIENT_IP)
    code = app.last_code
    wrong_code = "000000" if code != "000000" else "000001"
    for _ in range(2):
        assert await app.verify_otp(wrong_code, phone(1), CLIENT_IP) == OtpRejected(4)
    assert isinstance(await app.verify_otp(code, phone(1), CLIENT_IP), LoggedIn)
    assert isinstance(await app.verify_otp(code, phone(1), CLIENT_IP), OtpRejected)

    with pytest.raises(TooManyAttemptsFromIp):
        await app.verify_otp(code, phone(1), CLIENT_IP)


async def test_a_login_does_not_reset_the_attempts_of_its_ip() -> None:
    app = app_with_limits(verifications_per_ip=SlidingWindow(3, HOUR))
    await app.verify_otp("000000", phone(2), CLIENT_IP)
    await log_in(app, phone(1), CLIENT_IP)
    await app.verify_otp("000000", phone(3), CLIENT_IP)

    with pytest.raises(TooManyAttemptsFromIp):
        await app.verify_otp("000000", phone(3), CLIENT_IP)


async def test_an_attempt_rejected_for_its_ip_is_not_counted_for_the_phone() -> None:
    app = app_with_limits(verifications_per_ip=SlidingWindow(1, HOUR))
    request = await app.request_otp(phone(1), "198.51.100.1")
    await app.verify_otp("000000", phone(2), CLIENT_IP)
    for _ in range(9):
        with pytest.raises(TooManyAttempts):
            await app.verify_otp("000000", phone(1), CLIENT_IP)

    code = app.last_code
    result = await app.verify_otp(code, phone(1), "198.51.100.1", request_id=request.request_id)
    assert isinstance(result, LoggedIn)
