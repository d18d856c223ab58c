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


def test_after_five_wrong_codes_from_any_ip_even_the_correct_code_is_rejected(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    for number, left in enumerate((4, 3, 2, 1, 0)):
        assert driver.copy().verify(code, request_id=request_id).is_correct
        assert driver.fail(1, unknown_ip(number), request_id) == [left]
    before = driver.verification
    with pytest.raises(TooManyAttempts):
        driver.verify(code, request_id=request_id)
    assert driver.verification is before


def test_only_the_code_of_its_own_delivery_is_correct(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(250)
    second = driver.request()
    for own, other in ((first, second), (second, first)):
        code = code_of(own.challenge)
        assert not driver.copy().verify(code, request_id=other.request_id).is_correct
        assert driver.copy().verify(code, request_id=own.request_id).is_correct


def test_a_code_is_correct_until_five_minutes_have_passed(driver: VerificationDriver) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    assert driver.copy(after=299.999).verify(code, request_id=request_id).is_correct
    driver.wait(300)
    before = driver.verification
    result = driver.verify(code, request_id=request_id)
    assert (result.is_correct, result.is_unchallenged) == (False, True)
    assert driver.verification is before


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
    for number in range(4):
        delivery = driver.deliver(unknown_ip(number))
        driver.fail(1, unknown_ip(number), delivery.request_id)
    assert driver.fail(4, HOME_IP, decision.request_id) == [4, 3, 2, 1]
    assert driver.verify(code_of(decision.challenge), HOME_IP, decision.request_id).is_correct


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


def test_only_the_latest_code_of_the_same_counter_is_a_repeat(driver: VerificationDriver) -> None:
    request_id = driver.request().request_id
    codes = [WRONG_CODE, "888888", WRONG_CODE]
    assert [driver.verify(code, request_id=request_id).attempts_left for code in codes] == [4, 3, 2]
    assert driver.verify(WRONG_CODE).attempts_left == 4


def test_with_an_unknown_request_id_no_code_is_correct_and_attempts_count_as_without(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    assert not driver.verify(code, WORK_IP, "unknown").is_correct
    result = driver.verify(code, HOME_IP, "unknown")
    assert (result.is_correct, result.attempts_left) == (False, 4)
    assert driver.fail(4, HOME_IP) == [3, 2, 1, 0]
    with pytest.raises(TooManyAttempts):
        driver.fail(1, HOME_IP, "another unknown")


def test_only_a_valid_request_id_and_a_recognized_device_have_attempts_of_their_own(
    driver: VerificationDriver,
) -> None:
    driver.log_in()
    request_id = driver.deliver(WORK_IP).request_id
    assert driver.has_own_attempts(unknown_ip(1), request_id)
    assert not driver.has_own_attempts(unknown_ip(1), "unknown")
    assert not driver.has_own_attempts(WORK_IP)
    assert not driver.copy(after=300).has_own_attempts(unknown_ip(1), request_id)
    driver.device = DEVICE
    assert driver.has_own_attempts(unknown_ip(1))


def test_the_same_wrong_code_is_stored_in_another_form_at_each_delivery(
    driver: VerificationDriver,
) -> None:
    for _ in range(2):
        driver.verify(WRONG_CODE, request_id=driver.request().request_id)
        driver.wait(250)
    counters = [one for delivery in driver.verification.deliveries for one in delivery.counters]
    assert len({counter.last_digest for counter in counters}) == len(counters) == 2
