"""After a clock is set back no code lives longer and no client waits longer."""

from datetime import timedelta

import pytest

from domain.otp.challenge import OTP_TTL
from domain.otp.sliding_window import CLOCK_SKEW
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
)


@pytest.fixture(params=[timedelta(seconds=1), timedelta(hours=1), timedelta(days=400)], ids=str)
def set_back(request: pytest.FixtureRequest) -> timedelta:
    """How far the clock is set back."""
    duration: timedelta = request.param
    return duration


def test_a_code_lives_longer_by_the_allowed_skew_at_most(
    driver: VerificationDriver, set_back: timedelta
) -> None:
    decision = driver.request(HOME_IP)
    driver.now += min(OTP_TTL, 2 * CLOCK_SKEW) - set_back
    is_correct = driver.verify(code_of(decision.challenge), HOME_IP).is_correct
    assert is_correct == (set_back < CLOCK_SKEW)


def test_a_request_waits_longer_by_the_allowed_skew_at_most(
    driver: VerificationDriver, set_back: timedelta
) -> None:
    driver.request(HOME_IP)
    driver.now -= set_back
    driver.now += timedelta(seconds=15) + min(set_back, CLOCK_SKEW)
    assert driver.request(HOME_IP).is_new


def test_a_code_from_one_minute_in_the_future_is_valid(driver: VerificationDriver) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    assert driver.copy(after=-60).verify(code, HOME_IP).is_correct
    assert not driver.copy(after=-61).verify(code, HOME_IP).is_correct


def test_a_delivery_from_one_minute_in_the_future_counts(driver: VerificationDriver) -> None:
    driver.request(HOME_IP)
    assert not driver.copy(after=-60).request(WORK_IP).is_new
    assert driver.copy(after=-61).request(WORK_IP).is_new


@pytest.mark.parametrize(("seconds", "ends_cooldown"), [(60, True), (61, False)])
def test_a_login_from_more_than_a_minute_in_the_future_ends_no_cooldown(
    driver: VerificationDriver, seconds: float, ends_cooldown: bool
) -> None:
    driver.verify(code_of(driver.request(HOME_IP).challenge))
    driver.wait(-seconds)
    driver.request(WORK_IP)
    assert driver.request(WORK_IP).is_new == ends_cooldown


def test_shared_attempts_from_one_minute_in_the_future_count(driver: VerificationDriver) -> None:
    driver.now -= timedelta(minutes=2)
    driver.request(HOME_IP)
    driver.now += timedelta(minutes=2)
    driver.use_up_shared_attempts()
    assert driver.copy(after=-60).fail(1, WORK_IP) == [0]
    assert driver.copy(after=-61).fail(1, WORK_IP) == [4]
