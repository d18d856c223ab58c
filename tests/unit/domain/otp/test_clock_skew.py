"""After a clock is set back no code lives longer and no client waits longer.

What lies up to a minute in the future comes from another clock and counts.
"""

from datetime import timedelta

import pytest

from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
)


def test_a_code_from_one_minute_in_the_future_is_valid(driver: VerificationDriver) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    assert driver.copy(after=-60).accepts(code, HOME_IP)
    for seconds in (61, 400 * DAY):
        assert not driver.copy(after=-seconds).accepts(code, HOME_IP)


def test_a_delivery_from_one_minute_in_the_future_counts(driver: VerificationDriver) -> None:
    driver.request(HOME_IP)
    assert not driver.copy(after=-60).request(WORK_IP).is_new
    for seconds in (61, 400 * DAY):
        assert driver.copy(after=-seconds).request(WORK_IP).is_new


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
