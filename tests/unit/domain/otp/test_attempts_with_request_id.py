"""An attempt with a request id counts against the five attempts of that delivery."""

from contextlib import suppress

import pytest

from domain.errors import TooManyAttempts
from domain.otp.attempts import VerificationResult
from tests.unit.domain.otp.verification_driver import (
    DEVICE,
    HOME_IP,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    code_of,
    unknown_ip,
)


def test_the_correct_code_is_accepted(driver: VerificationDriver) -> None:
    decision = driver.request()
    request_id = decision.delivery.request_id
    assert driver.verify(code_of(decision.challenge), request_id=request_id).is_correct


def test_five_wrong_codes_count_the_attempts_down_to_zero(driver: VerificationDriver) -> None:
    request_id = driver.request().delivery.request_id
    assert driver.fail(5, request_id=request_id) == [4, 3, 2, 1, 0]


def test_after_four_wrong_codes_the_correct_code_is_accepted(driver: VerificationDriver) -> None:
    decision = driver.request()
    request_id = decision.delivery.request_id
    driver.fail(4, request_id=request_id)
    assert driver.verify(code_of(decision.challenge), request_id=request_id).is_correct


def test_after_five_wrong_codes_even_the_correct_code_is_rejected(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    request_id = decision.delivery.request_id
    driver.fail(5, request_id=request_id)
    with pytest.raises(TooManyAttempts):
        driver.fail(1, request_id=request_id)
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), request_id=request_id)


def test_a_rejected_attempt_changes_nothing(driver: VerificationDriver) -> None:
    request_id = driver.request().delivery.request_id
    driver.fail(5, request_id=request_id)
    before = driver.verification
    with pytest.raises(TooManyAttempts):
        driver.fail(1, request_id=request_id)
    assert driver.verification is before


def test_the_five_attempts_are_shared_by_all_ips(driver: VerificationDriver) -> None:
    request_id = driver.request().delivery.request_id
    attempts_left = [driver.fail(1, unknown_ip(number), request_id)[0] for number in range(5)]
    assert attempts_left == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyAttempts):
        driver.fail(1, WORK_IP, request_id)


def test_a_resend_brings_five_attempts_of_its_own(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.fail(5, request_id=first.delivery.request_id)
    driver.wait(15)
    resend = driver.request()
    request_id = resend.delivery.request_id
    assert resend.challenge == first.challenge
    assert driver.fail(4, request_id=request_id) == [4, 3, 2, 1]
    assert driver.verify(code_of(resend.challenge), request_id=request_id).is_correct


def test_a_resend_does_not_reset_the_attempts_of_the_first_delivery(
    driver: VerificationDriver,
) -> None:
    first = driver.request()
    driver.fail(5, request_id=first.delivery.request_id)
    driver.wait(15)
    driver.request()
    with pytest.raises(TooManyAttempts):
        driver.fail(1, request_id=first.delivery.request_id)


def test_only_the_code_of_its_own_delivery_is_correct(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(250)
    second = driver.request()
    first_code, second_code = code_of(first.challenge), code_of(second.challenge)
    assert not driver.verify(second_code, request_id=first.delivery.request_id).is_correct
    assert not driver.verify(first_code, request_id=second.delivery.request_id).is_correct
    assert driver.verify(second_code, request_id=second.delivery.request_id).is_correct


def test_attempts_with_a_request_id_do_not_count_against_an_ip(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.fail(5, WORK_IP, decision.delivery.request_id)
    driver.wait(15)
    driver.request(HOME_IP)
    assert driver.fail(5, HOME_IP) == [4, 3, 2, 1, 0]


def test_a_code_is_correct_until_five_minutes_have_passed(driver: VerificationDriver) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.delivery.request_id
    assert driver.copy(after=299.999).verify(code, request_id=request_id).is_correct
    assert not driver.copy(after=300).verify(code, request_id=request_id).is_correct


def test_an_expired_code_is_not_counted_by_the_phone(driver: VerificationDriver) -> None:
    decision = driver.request()
    driver.wait(300)
    before = driver.verification
    result = driver.verify(code_of(decision.challenge), request_id=decision.request_id)
    assert (result.is_correct, result.is_unchallenged) == (False, True)
    assert driver.verification is before


def test_an_id_of_a_request_within_the_cooldown_has_two_attempts(
    driver: VerificationDriver,
) -> None:
    first, later = driver.request(HOME_IP), driver.request(WORK_IP)
    assert driver.fail(2, WORK_IP, later.request_id) == [1, 0]
    with pytest.raises(TooManyAttempts):
        driver.fail(1, WORK_IP, later.request_id)
    assert driver.fail(1, HOME_IP, first.request_id) == [4]


def test_nobody_uses_up_the_attempts_of_an_id_without_it(driver: VerificationDriver) -> None:
    decision = driver.request(HOME_IP)
    for number in range(3):
        later = driver.request(unknown_ip(number))
        driver.fail(2, unknown_ip(number), later.request_id)
    driver.fail(5, HOME_IP)
    for number in range(60):
        with suppress(TooManyAttempts):
            driver.fail(1, unknown_ip(number))
    driver.is_limited = True
    assert driver.fail(4, HOME_IP, decision.request_id) == [4, 3, 2, 1]
    assert driver.verify(code_of(decision.challenge), HOME_IP, decision.request_id).is_correct


def test_no_later_delivery_takes_attempts_from_an_id(driver: VerificationDriver) -> None:
    decision = driver.request(HOME_IP)
    driver.is_limited = True
    for number in range(4):
        later = driver.deliver(unknown_ip(number))
        driver.fail(2, unknown_ip(number), later.request_id)
    assert driver.fail(4, WORK_IP, decision.request_id) == [4, 3, 2, 1]
    assert driver.verify(code_of(decision.challenge), WORK_IP, decision.request_id).is_correct


@pytest.mark.parametrize(("seconds", "attempts_left"), [(9.999, 4), (10, 3)])
def test_a_repeat_within_ten_seconds_is_not_counted(
    driver: VerificationDriver, seconds: float, attempts_left: int
) -> None:
    request_id = driver.request().request_id
    first = driver.verify(WRONG_CODE, request_id=request_id)
    assert first == VerificationResult(is_correct=False, attempts_left=4, is_counted=True)
    driver.wait(seconds)
    repeated = driver.verify(WRONG_CODE, request_id=request_id)
    assert repeated == VerificationResult(
        is_correct=False, attempts_left=attempts_left, is_counted=attempts_left == 3
    )
    assert not repeated.is_unchallenged


def test_only_the_latest_code_of_the_same_counter_is_a_repeat(driver: VerificationDriver) -> None:
    request_id = driver.request().request_id
    codes = [WRONG_CODE, "888888", WRONG_CODE]
    assert [driver.verify(code, request_id=request_id).attempts_left for code in codes] == [4, 3, 2]
    assert driver.verify(WRONG_CODE).attempts_left == 4


def test_a_repeat_does_not_pass_a_limit_that_is_used_up(driver: VerificationDriver) -> None:
    request_id = driver.request().request_id
    driver.fail(4, request_id=request_id)
    driver.verify(WRONG_CODE, request_id=request_id)
    with pytest.raises(TooManyAttempts):
        driver.verify(WRONG_CODE, request_id=request_id)


def test_with_an_unknown_request_id_no_code_is_correct(driver: VerificationDriver) -> None:
    code = code_of(driver.request().challenge)
    assert not driver.verify(code, HOME_IP, "unknown").is_correct
    assert not driver.verify(code, WORK_IP, "unknown").is_correct


def test_with_an_unknown_request_id_an_attempt_counts_as_if_it_had_none(
    driver: VerificationDriver,
) -> None:
    driver.request(HOME_IP)
    assert driver.fail(2, HOME_IP, "unknown") == [4, 3]
    assert driver.fail(3, HOME_IP) == [2, 1, 0]
    with pytest.raises(TooManyAttempts):
        driver.fail(1, HOME_IP, "another unknown")


def test_only_a_valid_request_id_and_a_recognized_device_have_attempts_of_their_own(
    driver: VerificationDriver,
) -> None:
    driver.log_in()
    request_id = driver.deliver(WORK_IP).delivery.request_id
    assert driver.has_own_attempts(unknown_ip(1), request_id)
    assert not driver.has_own_attempts(unknown_ip(1), "unknown")
    assert not driver.has_own_attempts(WORK_IP)
    driver.device = DEVICE
    assert driver.has_own_attempts(unknown_ip(1))
    driver.device = None
    driver.wait(minutes=5)
    assert not driver.has_own_attempts(unknown_ip(1), request_id)
