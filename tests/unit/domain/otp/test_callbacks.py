"""Callbacks: calls with a code that callers request, with limits and attempts of their own."""

from datetime import timedelta

import pytest

from domain.errors import TooManyOtpRequests
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.callback import CallbackPolicy
from domain.otp.challenge import Login
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import SlidingWindow
from tests.support.builders import NOW
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    HOUR,
    IDENTITY_ID,
    WORK_IP,
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
        if seconds > 0:
            with pytest.raises(TooManyOtpRequests) as error:
                driver.call_back()
            assert error.value.retry_after == retry_after
    driver.now = NOW + timedelta(days=1)
    driver.call_back()


def test_the_limits_of_callbacks_are_a_setting(driver: VerificationDriver) -> None:
    driver.callback_policy = CallbackPolicy((SlidingWindow(1, timedelta(minutes=1)),))
    driver.call_back()
    with pytest.raises(TooManyOtpRequests):
        driver.copy(after=59).call_back()
    driver.copy(after=60).call_back()


def test_a_rejected_callback_changes_nothing(driver: VerificationDriver) -> None:
    driver.call_back()
    driver.call_back()
    before = driver.verification
    with pytest.raises(TooManyOtpRequests):
        driver.call_back()
    assert driver.verification is before


def test_callbacks_use_none_of_the_deliveries(driver: VerificationDriver) -> None:
    without = driver.copy()
    for _ in range(2):
        driver.call_back()
    for _ in range(5):
        assert driver.deliver().is_new
        without.deliver()
    assert driver.now == without.now
    assert driver.verification.deliveries[0].sent_at == NOW


def test_deliveries_use_none_of_the_callbacks(driver: VerificationDriver) -> None:
    for _ in range(5):
        driver.deliver()
    driver.call_back()
    driver.call_back()


def test_a_callback_that_was_not_placed_does_not_count(driver: VerificationDriver) -> None:
    for _ in range(5):
        callback = driver.call_back().callback
        driver.verification = driver.verification.cancel_callback(callback.call_id)
    assert driver.verification == PhoneVerification()


def test_a_callback_with_attempts_is_not_canceled(driver: VerificationDriver) -> None:
    callback = driver.call_back().callback
    driver.fail(1)
    canceled = driver.verification.cancel_callback(callback.call_id)
    assert canceled == driver.verification


# Codes


def test_a_callback_reads_the_code_of_the_previous_one(driver: VerificationDriver) -> None:
    first = driver.call_back().callback
    driver.wait(240)
    second = driver.call_back().callback
    assert second.challenge == first.challenge
    assert second.call_id != first.call_id
    assert second.counter == AttemptCounter(CounterKind.CALLBACK, second.call_id, 5)


def test_in_the_last_minute_a_callback_has_a_new_code(driver: VerificationDriver) -> None:
    first = driver.call_back().callback
    driver.wait(240.001)
    second = driver.call_back().callback
    assert second.challenge.id != first.challenge.id
    assert driver.verification.comparable_challenges(driver.now) == (second.challenge,)
    assert driver.copy().verify(code_of(second.challenge)).is_correct
    assert not driver.copy().verify(code_of(first.challenge)).is_correct


def test_a_code_that_was_used_is_not_read_again(driver: VerificationDriver) -> None:
    first = driver.call_back().callback
    driver.verify(code_of(first.challenge))
    assert driver.call_back().callback.challenge.id != first.challenge.id


def test_messages_and_callbacks_have_different_codes(driver: VerificationDriver) -> None:
    delivered, called = driver.deliver(), driver.call_back()
    assert delivered.challenge.id != called.callback.challenge.id
    driver.wait(15)
    assert driver.request().challenge == delivered.challenge


def test_the_code_of_a_callback_is_valid_for_five_minutes(driver: VerificationDriver) -> None:
    code = code_of(driver.call_back().callback.challenge)
    assert driver.copy(after=299.999).verify(code).is_correct
    assert not driver.copy(after=300).verify(code).is_correct


def test_a_code_without_its_key_is_not_read_again_but_its_callback_counts(
    driver: VerificationDriver,
) -> None:
    first = driver.call_back().callback
    driver.verification = driver.verification.drop_challenges_without_key(lambda _: False)
    assert driver.verification.comparable_challenges(driver.now) == ()
    second = driver.call_back().callback
    assert second.challenge.id != first.challenge.id
    with pytest.raises(TooManyOtpRequests):
        driver.call_back()
    key_id = second.challenge.key_id
    kept = driver.verification.drop_challenges_without_key(lambda known: known == key_id)
    assert kept is driver.verification


# Correct codes


@pytest.mark.parametrize("client_ip", [HOME_IP, WORK_IP, unknown_ip(1)])
def test_the_code_logs_in_without_a_request_id_from_any_ip(
    driver: VerificationDriver, client_ip: str
) -> None:
    callback = driver.call_back().callback
    result = driver.verify(code_of(callback.challenge), client_ip)
    assert result.is_correct
    assert (result.delivery, result.call_id) == (None, callback.call_id)
    assert result.attempts_left == 4
    assert result.challenge is not None
    assert result.challenge.login == Login(IDENTITY_ID, "a-session")
    assert driver.verification.identity_id == IDENTITY_ID
    (trusted,) = driver.verification.trusted_ips
    assert trusted.last_login_at == driver.now


def test_the_code_ends_the_cooldown_and_resets_failures(driver: VerificationDriver) -> None:
    driver.deliver()
    callback = driver.call_back().callback
    driver.fail(2, WORK_IP)
    driver.wait(1)
    assert not driver.copy().request().is_new
    assert driver.verify(code_of(callback.challenge), WORK_IP).is_correct
    assert driver.verification.failures.in_a_row == 0
    driver.wait(1)
    assert driver.request().is_new


def test_the_code_is_used_once(driver: VerificationDriver) -> None:
    code = code_of(driver.call_back().callback.challenge)
    assert driver.verify(code).is_correct
    result = driver.verify(code, unknown_ip(1))
    assert (result.is_correct, result.is_replay, result.challenge) == (False, True, None)


def test_the_same_client_may_send_the_code_again_to_complete_the_login(
    driver: VerificationDriver,
) -> None:
    callback = driver.call_back().callback
    code = code_of(callback.challenge)
    used = driver.verify(code, HOME_IP)
    retried = driver.verify(code, HOME_IP)
    assert (retried.is_correct, retried.is_replay) == (False, True)
    assert retried.challenge == used.challenge
    assert (retried.delivery, retried.call_id) == (None, callback.call_id)
    moved = driver.verification.move_login(callback.challenge.id, "another")
    assert [challenge.login for challenge in moved.all_challenges] == [
        Login("another", "a-session")
    ]


def test_after_two_callbacks_with_one_code_it_is_used_once(driver: VerificationDriver) -> None:
    driver.call_back()
    code = code_of(driver.call_back().callback.challenge)
    assert driver.verify(code).is_correct
    assert [challenge.used_at for challenge in driver.verification.all_challenges] == [NOW, NOW]
    assert not driver.verify(code, unknown_ip(1)).is_correct


def test_the_code_of_a_message_leaves_the_callback_as_it_is(driver: VerificationDriver) -> None:
    callback = driver.call_back().callback
    assert driver.verify(code_of(driver.deliver().challenge)).is_correct
    assert driver.verification.callbacks == (callback,)
    assert driver.verify(code_of(callback.challenge)).is_correct


# Blocked phones


def test_a_blocked_phone_counts_alike_and_no_code_is_correct(driver: VerificationDriver) -> None:
    blocked = driver.copy()
    blocked.verification = blocked.verification.block(NOW)
    assert blocked.copy().call_back().is_suppressed
    decision = driver.call_back()
    assert not decision.is_suppressed
    blocked.verification = driver.verification.block(NOW)
    for number in range(3):
        assert blocked.verify(str(number)) == driver.verify(str(number))
    assert blocked.verification.unblock() == driver.verification
    code = code_of(decision.callback.challenge)
    result = blocked.verify(code)
    assert (result.is_correct, result.is_counted, result.challenge) == (False, True, None)
    assert attempts_left_of_callback(blocked) == 1
    assert driver.verify(code).is_correct


# Expiry


def test_a_callback_counts_for_a_day(driver: VerificationDriver) -> None:
    driver.call_back()
    expires_at = NOW + timedelta(days=1)
    assert driver.verification.expires_at == expires_at
    assert driver.verification.client_ips_expire_at == expires_at
    assert driver.verification.prune(expires_at - timedelta(seconds=1)).callbacks
    assert driver.verification.prune(expires_at) == PhoneVerification()


def test_the_attempts_of_a_callback_are_pruned_with_its_code(driver: VerificationDriver) -> None:
    driver.call_back()
    driver.fail(1)
    (pruned,) = driver.verification.prune(NOW + timedelta(minutes=5)).callbacks
    assert (pruned.counter.used, pruned.counter.last_digest) == (0, None)
    (kept,) = driver.verification.prune(NOW + timedelta(minutes=4, seconds=59)).callbacks
    assert kept.counter.used == 1


def test_a_callback_in_the_future_of_any_clock_does_not_count(driver: VerificationDriver) -> None:
    driver.call_back()
    assert driver.verification.prune(NOW - timedelta(minutes=1)).callbacks
    assert not driver.verification.prune(NOW - timedelta(minutes=1, microseconds=1)).callbacks


def test_callbacks_stay_when_client_ips_are_dropped(driver: VerificationDriver) -> None:
    callback = driver.call_back().callback
    driver.deliver()
    assert driver.verification.drop_client_ips() == PhoneVerification(callbacks=(callback,))
