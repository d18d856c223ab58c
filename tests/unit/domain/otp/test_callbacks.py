"""Callbacks: calls with a code that callers request, with limits of their own."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.attempts import Correct, Repeated, Unchallenged
from domain.otp.callbacks import Callback
from domain.otp.challenge import Login
from domain.otp.delivery import AttemptCounter, CounterKind
from domain.otp.failures import Failures
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    HOUR,
    IDENTITY_ID,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    attempts_left_of_callback,
    code_of,
    unknown_ip,
)

# Limits


def test_a_phone_is_called_back_twice_an_hour_and_three_times_a_day(
    driver: VerificationDriver,
) -> None:
    for seconds, retry_after in ((0, HOUR), (60, HOUR - 60), (HOUR, DAY - HOUR)):
        driver.now = NOW + timedelta(seconds=seconds)
        driver.call_back()
        before = driver.verification
        if seconds > 0:
            with pytest.raises(TooManyOtpRequests) as error:
                driver.call_back()
            assert error.value.retry_after == retry_after
            assert driver.verification is before
    driver.now = NOW + timedelta(days=1)
    driver.call_back()


def test_a_rejected_callback_counts_for_an_hour_unless_it_has_attempts(
    driver: VerificationDriver,
) -> None:
    for _ in range(3):
        for _ in range(2):
            callback = driver.call_back()
            driver.reject_callback(callback)
        assert driver.verification.all_challenges == ()
        with pytest.raises(TooManyOtpRequests) as error:
            driver.call_back()
        assert error.value.retry_after == HOUR
        driver.wait(HOUR)
    assert driver.verification.prune(driver.now) == PhoneVerification()
    callback = driver.call_back()
    driver.fail(1)
    assert driver.verification.callbacks.reject(callback.call_id) == driver.verification.callbacks
    # None of those that were rejected counts in the limit of a day.
    driver.wait(HOUR)
    for _ in range(2):
        callback = driver.call_back()
        driver.reject_callback(callback)
    with pytest.raises(TooManyOtpRequests) as error:
        driver.call_back()
    assert error.value.retry_after == HOUR


# Codes


def test_a_callback_reads_the_code_of_the_previous_one(driver: VerificationDriver) -> None:
    first = driver.call_back()
    driver.wait(240)
    second = driver.call_back()
    assert second.challenge == first.challenge
    assert second.call_id != first.call_id
    assert second.counter == AttemptCounter(CounterKind.CALLBACK, second.call_id, 5)
    assert driver.accepts(code_of(second.challenge))
    assert {challenge.used_at for challenge in driver.verification.all_challenges} == {driver.now}
    # A code that was used is not read again.
    driver.wait(HOUR)
    assert driver.call_back().challenge.id != second.challenge.id


# Correct codes


def test_the_code_logs_in_without_a_request_id_from_any_ip_and_only_once(
    driver: VerificationDriver,
) -> None:
    callback = driver.call_back()
    code = code_of(callback.challenge)
    result = driver.verify(code, unknown_ip(1))
    assert isinstance(result, Correct)
    assert (result.attempts_left, result.code.carrier) == (4, callback)
    assert result.code.login == result.code.challenge.login == Login(IDENTITY_ID, "a-session")
    assert driver.verification.identity_id == IDENTITY_ID
    (trusted,) = driver.verification.trusted_ips
    assert trusted.last_login_at == driver.now
    assert driver.verify(code, WORK_IP) == Unchallenged(is_used_code=True)


def test_the_same_client_may_send_the_code_again_to_complete_the_login(
    driver: VerificationDriver,
) -> None:
    callback = driver.call_back()
    code = code_of(callback.challenge)
    used = driver.use(code, HOME_IP)
    retried = driver.verify(code, HOME_IP)
    assert isinstance(retried, Unchallenged)
    assert retried.code is not None
    assert retried.code.challenge == used.challenge
    assert isinstance(retried.code.carrier, Callback)
    assert retried.code.carrier.call_id == callback.call_id
    moved = driver.verification.move_login(callback.challenge.id, "another")
    (challenge,) = moved.all_challenges
    assert challenge.login == Login("another", "a-session")


# Expiry


def test_a_callback_counts_for_a_day_and_its_attempts_as_long_as_its_code(
    driver: VerificationDriver,
) -> None:
    driver.call_back()
    expires_at = NOW + timedelta(days=1)
    assert driver.verification.expires_at == expires_at
    assert driver.verification.client_ips_expire_at == expires_at
    driver.fail(1)
    # What is more than a minute in the future of a clock does not count either.
    for now, used in (
        (NOW - timedelta(minutes=1, microseconds=1), []),
        (NOW - timedelta(minutes=1), [1]),
        (NOW + timedelta(minutes=4, seconds=59), [1]),
        (NOW + timedelta(minutes=5), [0]),
        (expires_at - timedelta(seconds=1), [0]),
        (expires_at, []),
    ):
        kept = driver.verification.prune(now).callbacks.all
        assert [callback.counter.used for callback in kept] == used
        assert all((each.counter.last_digest is not None) == (used == [1]) for each in kept)


# Attempts


def test_a_callback_brings_as_many_attempts_as_a_message() -> None:
    for failures, attempts in ((50, 1), (49, 2)):
        verification = PhoneVerification(failures=Failures(failures))
        driver = VerificationDriver(verification, is_limited=True)
        assert driver.call_back().counter.limit == attempts


def test_a_wrong_code_counts_on_message_and_callback_and_once_as_a_failure(
    driver: VerificationDriver,
) -> None:
    driver.deliver()
    driver.verify(WRONG_CODE)
    driver.call_back()
    # No message counts its repeat, but the callback has not counted it yet.
    for failures, left in ((2, 4), (2, 4), (3, 3)):
        code = WRONG_CODE if failures == 2 else "888888"
        driver.verify(code)
        assert driver.verification.failures.in_a_row == failures
        assert attempts_left_of_callback(driver) == left


def test_a_code_that_was_just_used_counts_on_no_callback(driver: VerificationDriver) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    driver.wait(250)
    driver.request(HOME_IP)
    driver.call_back()
    assert driver.accepts(code, HOME_IP)
    before = driver.verification
    assert driver.verify(code, WORK_IP) == Repeated(4)
    assert driver.verification is before
