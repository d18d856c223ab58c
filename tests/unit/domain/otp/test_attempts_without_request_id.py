"""An attempt without a request id counts against its IP, and against one more limit.

That limit is the latest delivery that the IP requested. An IP that requested none is unknown; all
unknown IPs share one limit.
"""

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    HOUR,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)


def count_shared_attempts(driver: VerificationDriver, first: int, ips: int = 100) -> int:
    """Verify a wrong code from each of several unknown IPs. Count the attempts not rejected."""
    attempts = 0
    for number in range(first, first + ips):
        try:
            driver.fail(1, unknown_ip(number))
        except TooManyAttempts:
            continue
        attempts += 1
    return attempts


# Each IP


def test_the_correct_code_is_accepted_from_any_ip(driver: VerificationDriver) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    assert driver.copy().verify(code, HOME_IP).is_correct
    assert driver.copy().verify(code, WORK_IP).is_correct


def test_each_active_code_is_correct(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(250)
    second = driver.request()
    assert driver.verify(code_of(first.challenge)).is_correct
    assert driver.verify(code_of(second.challenge)).is_correct


def test_five_wrong_codes_count_the_attempts_down_to_zero(driver: VerificationDriver) -> None:
    driver.request()
    assert driver.fail(5) == [4, 3, 2, 1, 0]


def test_the_sixth_attempt_is_rejected_even_with_the_correct_code(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    driver.fail(5)
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge))


def test_a_rejected_attempt_changes_nothing(driver: VerificationDriver) -> None:
    driver.request()
    driver.fail(5)
    before = driver.verification
    with pytest.raises(TooManyAttempts):
        driver.fail(1)
    assert driver.verification is before


def test_a_resend_does_not_reset_the_attempts_of_an_ip(driver: VerificationDriver) -> None:
    driver.request()
    driver.fail(5)
    driver.wait(60)
    driver.request()
    with pytest.raises(TooManyAttempts):
        driver.fail(1)


def test_an_ip_has_five_attempts_in_any_hour(driver: VerificationDriver) -> None:
    driver.request()
    driver.fail(3)
    driver.wait(HOUR / 2)
    driver.deliver()
    driver.fail(2)
    driver.wait(HOUR / 2 - 1)
    with pytest.raises(TooManyAttempts):
        driver.fail(1)
    driver.wait(1)
    driver.deliver()
    assert driver.fail(3) == [2, 1, 0]


# The latest delivery that the IP requested


def test_attempts_count_against_the_latest_own_delivery(driver: VerificationDriver) -> None:
    decision = driver.request(HOME_IP)
    driver.fail(2, HOME_IP)
    assert driver.fail(1, HOME_IP, decision.delivery.request_id) == [2]
    assert driver.fail(2, HOME_IP) == [1, 0]
    with pytest.raises(TooManyAttempts):
        driver.fail(1, HOME_IP)


def test_attempts_on_an_own_delivery_do_not_use_the_shared_limit(
    driver: VerificationDriver,
) -> None:
    driver.request(HOME_IP)
    driver.fail(5, HOME_IP)
    assert driver.verification.unbound_attempts.shared == ()


def test_unknown_ips_do_not_use_the_attempts_of_an_own_delivery(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.fail(5, WORK_IP)
    assert driver.fail(4, HOME_IP) == [4, 3, 2, 1]
    assert driver.verify(code_of(decision.challenge), HOME_IP).is_correct


@pytest.mark.parametrize("request_id", [None, "unknown"])
def test_responses_do_not_reveal_whether_a_code_was_requested(request_id: str | None) -> None:
    requested, not_requested = VerificationDriver(), VerificationDriver()
    requested.request(HOME_IP)
    assert not_requested.fail(5, WORK_IP, request_id) == requested.fail(5, WORK_IP, request_id)
    waits = []
    for driver in (requested, not_requested):
        with pytest.raises(TooManyAttempts) as error:
            driver.fail(1, WORK_IP, request_id)
        waits.append(error.value.retry_after)
    assert waits == [HOUR, HOUR]


# The limit that unknown IPs share


def test_unknown_ips_share_fifteen_attempts_an_hour(driver: VerificationDriver) -> None:
    assert count_shared_attempts(driver, first=0) == 15
    driver.wait(HOUR - 1)
    assert count_shared_attempts(driver, first=100) == 0
    driver.wait(1)
    assert count_shared_attempts(driver, first=200) == 15


def test_unknown_ips_share_thirty_attempts_a_day(driver: VerificationDriver) -> None:
    assert count_shared_attempts(driver, first=0) == 15
    driver.wait(HOUR)
    assert count_shared_attempts(driver, first=100) == 15
    driver.wait(HOUR)
    assert count_shared_attempts(driver, first=200) == 0
    driver.wait(22 * HOUR - 1)
    assert count_shared_attempts(driver, first=300) == 0
    driver.wait(1)
    assert count_shared_attempts(driver, first=400) == 15


def test_attempts_left_is_the_lower_of_both_limits(driver: VerificationDriver) -> None:
    driver.use_up_shared_attempts(attempts=12)
    assert driver.fail(3, WORK_IP) == [2, 1, 0]
    with pytest.raises(TooManyAttempts):
        driver.fail(1, WORK_IP)


def test_at_the_shared_limit_the_correct_code_of_an_unknown_ip_is_rejected(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), WORK_IP)


def test_the_shared_limit_does_not_reject_an_attempt_with_a_request_id(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    code, request_id = code_of(decision.challenge), decision.delivery.request_id
    assert driver.verify(code, WORK_IP, request_id).is_correct


def test_the_shared_limit_does_not_reject_an_ip_with_an_own_delivery(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    assert driver.fail(4, HOME_IP) == [4, 3, 2, 1]
    assert driver.verify(code_of(decision.challenge), HOME_IP).is_correct


def test_the_shared_limit_does_not_reject_a_request(driver: VerificationDriver) -> None:
    driver.use_up_shared_attempts()
    assert driver.request(HOME_IP).is_new
    driver.wait(15)
    assert driver.request(WORK_IP).is_new


def test_a_correct_code_does_not_reset_the_shared_limit(driver: VerificationDriver) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts(attempts=14)
    assert driver.verify(code_of(decision.challenge), WORK_IP).is_correct
    assert count_shared_attempts(driver, first=100) == 0


def test_a_correct_code_of_an_own_delivery_does_not_use_the_shared_limit(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    assert driver.verify(code_of(decision.challenge), HOME_IP).is_correct
    assert count_shared_attempts(driver, first=0) == 15


def test_another_delivery_does_not_reset_the_shared_limit(driver: VerificationDriver) -> None:
    driver.use_up_shared_attempts()
    driver.deliver(HOME_IP)
    assert count_shared_attempts(driver, first=100) == 0


def test_a_rejected_attempt_of_an_unknown_ip_changes_nothing(driver: VerificationDriver) -> None:
    driver.use_up_shared_attempts()
    before = driver.verification
    assert count_shared_attempts(driver, first=100) == 0
    assert driver.verification is before
