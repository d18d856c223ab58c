"""Attempts at callbacks: five for everybody together, and they reveal no callback."""

from dataclasses import replace

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    attempts_left_of_callback,
    code_of,
    unknown_ip,
)


def test_with_a_request_id_no_code_of_a_callback_is_correct(driver: VerificationDriver) -> None:
    callback = driver.call_back().callback
    request_id = driver.deliver().request_id
    for client_ip, sent_id in ((HOME_IP, request_id), (HOME_IP, "unknown"), (WORK_IP, request_id)):
        assert not driver.verify(code_of(callback.challenge), client_ip, sent_id).is_correct
    assert driver.verification.callbacks == (callback,)
    assert driver.verify(code_of(callback.challenge)).is_correct


def test_each_callback_has_five_attempts_of_all_clients_together(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.call_back().callback.challenge)
    for number in range(5):
        assert driver.copy().verify(code, WORK_IP).is_correct
        assert driver.fail(1, unknown_ip(number)) == [0]
    result = driver.verify(code, WORK_IP)
    assert (result.is_correct, result.is_counted) == (False, False)
    driver.call_back()
    driver.fail(1)
    assert [callback.counter.left for callback in driver.verification.callbacks] == [0, 4]
    assert driver.verify(code).is_correct


def test_without_other_attempts_a_wrong_code_is_rejected_and_counted_on_the_callback(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.fail(5, HOME_IP)
    without = driver.copy()
    code = code_of(driver.call_back().callback.challenge)
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(TooManyAttempts) as error:
            driver.fail(1, HOME_IP)
        with pytest.raises(TooManyAttempts) as expected:
            without.fail(1, HOME_IP)
        assert error.value.retry_after == expected.value.retry_after
        assert attempts_left_of_callback(driver) == left
    assert driver.verification.failures.in_a_row == 10
    with pytest.raises(TooManyAttempts):
        driver.verify(code, HOME_IP)


def test_a_wrong_code_has_the_same_result_with_a_callback_and_without(
    driver: VerificationDriver,
) -> None:
    called_back = driver.copy()
    called_back.call_back()
    result, expected = called_back.copy().verify(WRONG_CODE), driver.verify(WRONG_CODE)
    assert result == replace(expected, is_counted=True)
    assert result.call_id is None
    driver.deliver(HOME_IP)
    called_back.deliver(HOME_IP)
    for client_ip in (HOME_IP, WORK_IP, HOME_IP, unknown_ip(1), HOME_IP, WORK_IP):
        code = str(next(driver.wrong_codes))
        assert called_back.verify(code, client_ip) == driver.verify(code, client_ip)
    assert called_back.verification.failures == driver.verification.failures


def test_the_code_that_was_just_used_is_not_counted(driver: VerificationDriver) -> None:
    decision = driver.deliver(HOME_IP)
    driver.verify(code_of(decision.challenge), HOME_IP)
    driver.call_back()
    before = driver.verification
    driver.verify(code_of(decision.challenge), HOME_IP)
    driver.verify(code_of(decision.challenge), WORK_IP)
    assert driver.verification is before


def test_a_callback_brings_fewer_attempts_under_attack_and_after_fifty_failures(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.is_limited = True
    assert driver.copy().call_back().callback.counter.limit == 2
    driver.is_limited = False
    driver.use_up_shared_attempts(attempts=50)
    assert driver.call_back().callback.counter.limit == 1
