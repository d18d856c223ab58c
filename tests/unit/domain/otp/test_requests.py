"""Requests for a code: deliveries, joins of an earlier one, limits per phone, and waits."""

from datetime import timedelta
from itertools import pairwise

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.delivery import Channel, Deliveries, Delivery, ValidDeviceToken
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.fixed_codes import FIXED_CODE_POLICY
from domain.otp.permits import Recognition
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW, a_delivery, a_hashed_ip
from tests.unit.domain.otp.verification_driver import (
    DAY,
    DEVICE,
    HOME_IP,
    HOUR,
    IDENTITY_ID,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)

FIFTEEN_MINUTES = 15 * 60


def test_a_client_is_recognized_by_the_device_or_the_ip_of_a_login(
    driver: VerificationDriver,
) -> None:
    def recognition(client_ip: str, after: float = 0) -> Recognition:
        return driver.copy(after=after).check(client_ip=client_ip).recognized.recognition

    assert recognition(HOME_IP) is Recognition.NONE
    driver.log_in(HOME_IP)
    assert recognition(HOME_IP) is Recognition.TRUSTED_IP
    assert recognition(WORK_IP) is Recognition.NONE
    assert recognition(HOME_IP, after=90 * DAY) is Recognition.NONE
    driver.device = DEVICE
    assert recognition(HOME_IP) is Recognition.DEVICE
    assert recognition(WORK_IP) is Recognition.DEVICE
    for changed in (
        driver.verification.change_owner(None),
        driver.verification.block(driver.now),
    ):
        driver.verification = changed
        assert recognition(HOME_IP) is Recognition.NONE


# Joins


def test_within_the_cooldown_a_request_joins_the_delivery(driver: VerificationDriver) -> None:
    first = driver.request()
    assert first.is_new
    assert driver.verification.deliveries.all == (first.delivery,)
    assert first.delivery.rejection == ""
    driver.wait(4)
    repeated = driver.request(WORK_IP)
    assert (repeated.is_new, repeated.challenge) == (False, first.challenge)
    assert repeated.delivery.request_id == first.request_id != repeated.request_id
    assert (repeated.next_request_at - driver.now).total_seconds() == 11


@pytest.mark.parametrize("device", [DEVICE, None])
def test_strangers_do_not_use_up_the_joins_of_a_recognized_client(
    driver: VerificationDriver, device: ValidDeviceToken | None
) -> None:
    driver.log_in(HOME_IP)
    for number in range(4):
        driver.request(unknown_ip(number))
    with pytest.raises(TooManyOtpRequests):
        driver.request(unknown_ip(4))
    driver.device, client_ip = device, WORK_IP if device else HOME_IP
    assert [driver.request(client_ip).is_new for _ in range(3)] == [False] * 3
    with pytest.raises(TooManyOtpRequests):
        driver.request(client_ip)


def test_within_the_cooldown_a_request_joins_also_where_a_limit_is_full(
    driver: VerificationDriver,
) -> None:
    for _ in range(5):
        driver.deliver(HOME_IP)
    assert not driver.request(HOME_IP).is_new
    driver.wait(60)
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(HOME_IP)
    assert error.value.limit == "per_phone_and_network"


# Limits


def count_deliveries(driver: VerificationDriver, seconds: int, *client_ips: str) -> int:
    """Request a code from each IP as soon as its last response allows. Count the deliveries."""
    end = driver.copy(after=seconds).now
    deliveries = 0
    while driver.now < end:
        next_requests = []
        for client_ip in client_ips:
            try:
                decision = driver.request(client_ip)
            except TooManyOtpRequests as error:
                next_requests.append(driver.copy(after=error.retry_after).now)
                continue
            deliveries += decision.is_new
            next_requests.append(decision.next_request_at)
        driver.now = min(next_requests)
    return deliveries


@pytest.mark.parametrize(
    ("client_ips", "seconds", "deliveries"),
    [
        ([HOME_IP], FIFTEEN_MINUTES, 5),
        ([HOME_IP], DAY, 6),
        (["203.0.113.8", HOME_IP], FIFTEEN_MINUTES, 5),
        (["2001:db8:1:1::/64", "2001:db8:1:2::/64"], DAY, 6),
        ([unknown_ip(number) for number in range(20)], FIFTEEN_MINUTES, 6),
        ([unknown_ip(number) for number in range(20)], DAY, 12),
    ],
)
def test_a_network_gets_a_part_of_the_deliveries_of_a_phone(
    driver: VerificationDriver, client_ips: list[str], seconds: int, deliveries: int
) -> None:
    assert count_deliveries(driver, seconds, *client_ips) == deliveries


# Resends


def test_a_resend_carries_the_same_code_and_does_not_extend_its_life(
    driver: VerificationDriver,
) -> None:
    first = driver.request(HOME_IP)
    for client_ip, seconds in ((HOME_IP, 60), (WORK_IP, 180)):
        driver.wait(seconds)
        resend = driver.request(client_ip)
        assert (resend.is_new, resend.challenge) == (True, first.challenge)
        assert resend.delivery.request_id != first.delivery.request_id
    assert [each.id for each in driver.verification.challenges.all] == [first.challenge.id]
    # A used code is not sent again.
    assert driver.accepts(code_of(first.challenge))
    assert driver.copy(after=1).request().challenge.id != first.challenge.id


def test_with_less_than_a_minute_left_a_new_code_is_made_and_the_old_one_stays_valid(
    driver: VerificationDriver,
) -> None:
    first = driver.request()
    driver.wait(240.001)
    second = driver.request()
    assert (second.challenge.expires_at - driver.now).total_seconds() == 300
    old_code, new_code = code_of(first.challenge), code_of(second.challenge)
    for seconds, is_old_correct in ((59.998, True), (59.999, False)):
        assert driver.copy(after=seconds).accepts(old_code) == is_old_correct
        assert driver.copy(after=seconds).accepts(new_code)
    driver.wait(20)
    assert driver.request().challenge == second.challenge


# Providers


def test_a_code_that_was_not_entered_is_sent_again_by_the_next_provider(
    driver: VerificationDriver,
) -> None:
    sent = [driver.deliver() for _ in range(2)]
    expected = [("twilio", ""), ("vonage", "twilio")]
    assert [(each.delivery.provider, each.last_provider) for each in sent] == expected
    driver.now = sent[0].challenge.expires_at - timedelta(seconds=50)
    another = driver.deliver()
    assert (another.delivery.provider, another.last_provider) == ("twilio", "vonage")
    # After a login an older code does not count either.
    assert driver.accepts(code_of(another.challenge))
    driver.wait(1)
    assert driver.request().last_provider == ""
    assert driver.deliver().last_provider == "twilio"


# Known IPs


@pytest.fixture
def trusted(driver: VerificationDriver) -> VerificationDriver:
    """A phone that logged in from `HOME_IP` two days ago."""
    driver.log_in(HOME_IP)
    driver.wait(days=2)
    return driver


def test_the_quota_is_used_after_the_phone_limit_and_does_not_count_against_it(
    trusted: VerificationDriver,
) -> None:
    deliveries = [trusted.deliver(HOME_IP).delivery for _ in range(7)]
    assert [delivery.uses_own_quota for delivery in deliveries] == [False] * 5 + [True] * 2
    assert trusted.copy(after=240).request(unknown_ip(1)).is_new
    # Nor does it count against the limits of its network.
    assert trusted.copy(after=FIFTEEN_MINUTES).request("203.0.113.8").is_new


def test_each_device_has_a_quota_of_three_an_hour_and_an_ip_of_a_login_another(
    trusted: VerificationDriver,
) -> None:
    trusted.use_up_deliveries()
    start = trusted.now
    another = ValidDeviceToken("another", IDENTITY_ID)
    for device, client_ip in ((DEVICE, HOME_IP), (another, WORK_IP), (None, HOME_IP)):
        trusted.device = device
        assert all(trusted.deliver(client_ip).delivery.uses_own_quota for _ in range(3))
        assert trusted.now - start < timedelta(hours=1)
    first = trusted.verification.deliveries.all[-3]
    assert (trusted.deliver(HOME_IP).delivery.sent_at - first.sent_at).total_seconds() == HOUR


def test_a_login_makes_only_its_own_ip_trusted_and_lists_it_once(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.fail(4, HOME_IP)
    assert list(driver.verification.trusted_ips) == []
    for _ in range(2):
        decision = driver.deliver(HOME_IP)
        driver.wait(30)
        assert driver.accepts(code_of(decision.challenge), WORK_IP)
        assert driver.verification.trusted_ips == (TrustedIp(a_hashed_ip(WORK_IP).ip, driver.now),)


def test_above_twenty_trusted_ips_the_oldest_is_dropped(driver: VerificationDriver) -> None:
    for number in range(21):
        driver.wait(days=1)
        driver.log_in(unknown_ip(number))
    trusted_ips = [trusted.client_ip_hash for trusted in driver.verification.trusted_ips]
    assert trusted_ips == [a_hashed_ip(unknown_ip(number)).ip for number in range(1, 21)]


# Rejection: a delivery that every provider rejected starts a cooldown, and counts for an hour


def test_a_rejected_delivery_has_no_id_and_no_challenge(driver: VerificationDriver) -> None:
    decision = driver.request()
    driver.request(WORK_IP)
    before = driver.verification
    driver.reject("unknown")
    assert driver.verification == before
    driver.reject(decision.request_id)
    [rejected] = driver.verification.deliveries.all
    assert rejected == Delivery(
        "",
        "",
        a_hashed_ip(HOME_IP),
        driver.now,
        Channel.SMS,
        "acme",
        rejection="busy",
    )
    assert driver.verification.challenges.all == ()
    assert not driver.accepts(code_of(decision.challenge), request_id=decision.request_id)


def test_before_the_cooldown_of_a_rejected_delivery_ends_nothing_is_sent(
    driver: VerificationDriver,
) -> None:
    driver.reject(driver.request().request_id)
    for _ in range(2):
        with pytest.raises(TooManyOtpRequests) as error:
            driver.request(WORK_IP)
        assert error.value.retry_after == 15
    # With an earlier code that is active, the request joins that one.
    driver.wait(15)
    earlier = driver.request()
    driver.wait(15)
    driver.reject(driver.request().request_id)
    driver.wait(14)
    repeated = driver.request(WORK_IP)
    assert (repeated.is_new, repeated.delivery.request_id) == (False, earlier.request_id)
    assert driver.accepts(code_of(repeated.challenge), WORK_IP, repeated.request_id)


def test_rejected_deliveries_double_no_cooldown_and_count_in_short_windows(
    driver: VerificationDriver,
) -> None:
    for _ in range(5):
        driver.reject(driver.request().request_id)
        driver.wait(15)
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request()
    assert error.value.retry_after == FIFTEEN_MINUTES - 5 * 15
    driver.wait(error.value.retry_after)
    # None of them counts in the windows of a day.
    assert count_deliveries(driver, DAY, HOME_IP) == 6
    driver.wait(DAY)
    assert driver.verification.prune(driver.now) == PhoneVerification()


def test_a_rejected_delivery_uses_up_the_quota_for_an_hour(trusted: VerificationDriver) -> None:
    trusted.use_up_deliveries()
    trusted.device = DEVICE
    for _ in range(3):
        trusted.reject(trusted.deliver(WORK_IP).request_id)
    with pytest.raises(TooManyOtpRequests) as error:
        trusted.request(WORK_IP)
    assert error.value.retry_after == HOUR - 2 * 15


def test_a_code_of_another_delivery_stays_valid(driver: VerificationDriver) -> None:
    first = driver.request(WORK_IP)
    driver.wait(15)
    resend = driver.request(HOME_IP)
    code = code_of(resend.challenge)
    for rejected, kept in ((first, resend), (resend, first)):
        copy = driver.copy()
        copy.reject(rejected.request_id)
        assert kept.delivery in copy.verification.deliveries.all
        assert not copy.copy().accepts(code, request_id=rejected.request_id)
        assert copy.accepts(code, request_id=kept.request_id)


# The cooldown

HIGH_LIMIT = (SlidingWindow(1000, timedelta(days=1)),)


@pytest.mark.parametrize(
    ("cooldown", "expected"),
    [
        (DeliveryPolicy().cooldown, [15, 15, 15, 30, 60, 120, 240, 480, 960, 1920, 1920, 1920]),
        (timedelta(seconds=2), [2, 2, 2, 4, 8]),
    ],
    ids=["default", "setting"],
)
def test_the_cooldown_doubles_up_to_128_times(cooldown: timedelta, expected: list[float]) -> None:
    policy = DeliveryPolicy(HIGH_LIMIT, HIGH_LIMIT, cooldown=cooldown)
    driver = VerificationDriver(policy=policy)
    sent = [driver.deliver(HOME_IP).delivery.sent_at for _ in range(len(expected) + 1)]
    assert [(later - earlier).total_seconds() for earlier, later in pairwise(sent)] == expected


def test_only_deliveries_of_the_last_day_double_it() -> None:
    driver = VerificationDriver()
    for _ in range(4):
        driver.deliver(HOME_IP)
    driver.now = NOW + timedelta(days=1, seconds=-1)
    # Five of a day have a cooldown of 60 seconds. After 16 the first two are of the day before.
    decision = driver.request(HOME_IP)
    assert (decision.next_request_at - driver.now).total_seconds() == 16
    assert not driver.copy(after=15).request(HOME_IP).is_new
    assert driver.copy(after=16).request(HOME_IP).is_new


def test_the_latest_login_from_any_ip_ends_it() -> None:
    driver = VerificationDriver()
    for client_ip in (HOME_IP, WORK_IP):
        driver.log_in(client_ip)
        assert driver.copy().request(unknown_ip(1)).is_new
        driver.wait(hours=1)


# After a clock was set back


def test_a_code_and_a_delivery_from_one_minute_in_the_future_count(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    for seconds, counts in ((60, True), (61, False), (400 * DAY, False)):
        assert driver.copy(after=-seconds).accepts(code, HOME_IP) == counts
        assert driver.copy(after=-seconds).request(WORK_IP).is_new != counts


# Test phones


def test_a_fixed_code_may_be_requested_two_hundred_times_a_day() -> None:
    verification = PhoneVerification(deliveries=Deliveries((a_delivery(),) * 199))
    driver = VerificationDriver(verification, policy=FIXED_CODE_POLICY)
    assert driver.request(HOME_IP).is_new
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(HOME_IP)
    assert error.value.retry_after == DAY
