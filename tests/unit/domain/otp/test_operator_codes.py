"""Codes that operators send: attempts of their own, which no failure before used up."""

from contextlib import suppress
from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempts import Correct
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.failures import Failures
from domain.otp.phone_verification import PhoneVerification
from domain.otp.verification_state import (
    OperatorAttempts,
    find_active_code,
    find_operator_attempts,
)
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)

OPERATOR_IP = "192.0.2.1"
NEIGHBOR_IP = "203.0.113.99"
"""In the /24 of the home."""


def send_by_operator(driver: VerificationDriver, after: float = 20) -> DeliveryDecision:
    driver.wait(after)
    return driver.request(OPERATOR_IP, is_by_operator=True)


def fail_five_times(driver: VerificationDriver, *, with_id: bool) -> str | None:
    """Request a code at home, use up its attempts, and return its id if there is one."""
    request_id = driver.request(HOME_IP).request_id if with_id else driver.request().request_id
    used_id = request_id if with_id else None
    assert driver.fail(5, HOME_IP, used_id)[-1] == 0
    with pytest.raises(TooManyAttempts):
        driver.fail(1, HOME_IP, used_id)
    return used_id


def count_guesses(driver: VerificationDriver) -> int:
    """Return how many wrong codes count on the latest code of an operator."""
    return sum(counter.used for counter in driver.verification.grants.codes[-1].counters)


# Who has its attempts


@pytest.mark.parametrize("after", [20, 250, 600])
@pytest.mark.parametrize("with_id", [True, False])
def test_after_five_wrong_codes_that_of_an_operator_brings_five_attempts(
    driver: VerificationDriver, after: float, *, with_id: bool
) -> None:
    request_id = fail_five_times(driver, with_id=with_id)
    code = code_of(send_by_operator(driver, after).challenge)

    assert driver.fail(4, HOME_IP, request_id) == [4, 3, 2, 1]
    result = driver.copy().verify(code, HOME_IP, request_id)
    assert isinstance(result, Correct)
    assert result.code.carrier is not None
    assert result.attempts_left == 0
    assert driver.fail(1, HOME_IP, request_id) == [0]
    later = driver.request(HOME_IP).request_id
    for used_id in (request_id, later):
        with pytest.raises(TooManyAttempts):
            driver.verify(code, HOME_IP, used_id)


def test_an_id_has_five_attempts_from_each_of_three_networks(driver: VerificationDriver) -> None:
    request_id = fail_five_times(driver, with_id=True)
    code = code_of(send_by_operator(driver).challenge)

    for client_ip in (unknown_ip(1), unknown_ip(2), HOME_IP):
        assert driver.copy().accepts(code, client_ip, request_id)
        assert driver.fail(5, client_ip, request_id) == [4, 3, 2, 1, 0]
    for client_ip in (unknown_ip(3), HOME_IP):
        with pytest.raises(TooManyAttempts):
            driver.verify(code, client_ip, request_id)


def test_each_id_of_the_last_day_has_attempts_also_after_its_code(
    driver: VerificationDriver,
) -> None:
    first, later = driver.request(), driver.request()
    sent = send_by_operator(driver, DAY - 60)
    again = driver.request(WORK_IP)
    assert [each.is_new for each in (first, later, again)] == [True, False, False]

    for request_id in (first.request_id, later.request_id, again.request_id):
        copy = driver.copy()
        assert copy.fail(4, WORK_IP, request_id) == [4, 3, 2, 1]
        assert copy.accepts(code_of(sent.challenge), WORK_IP, request_id)
    driver.wait(60)
    assert not driver.accepts(code_of(sent.challenge), WORK_IP, first.request_id)


def test_nobody_without_an_id_uses_them_up(driver: VerificationDriver) -> None:
    request_id = fail_five_times(driver, with_id=True)
    code = code_of(send_by_operator(driver).challenge)
    driver.use_up_shared_attempts()
    for client_ip in (NEIGHBOR_IP, HOME_IP, OPERATOR_IP, unknown_ip(1)):
        for unknown in (None, "an unknown id", ""):
            with suppress(TooManyAttempts):
                driver.fail(6, client_ip, unknown)

    assert driver.fail(4, HOME_IP, request_id) == [4, 3, 2, 1]
    assert driver.accepts(code, HOME_IP, request_id)


def test_strangers_do_not_use_up_those_of_a_network_that_sends_no_ids(
    driver: VerificationDriver,
) -> None:
    fail_five_times(driver, with_id=False)
    code = code_of(send_by_operator(driver).challenge)
    driver.use_up_shared_attempts()

    assert driver.fail(4, NEIGHBOR_IP) == [4, 3, 2, 1]
    assert driver.accepts(code, HOME_IP)


def test_strangers_with_ids_of_their_own_leave_the_network_of_the_latest_request(
    driver: VerificationDriver,
) -> None:
    ids = [driver.deliver(unknown_ip(number)).request_id for number in range(3)]
    driver.wait(60)
    request_id = fail_five_times(driver, with_id=True)
    code = code_of(send_by_operator(driver, 120).challenge)
    for number, stranger_id in enumerate(ids[:2]):
        driver.fail(5, unknown_ip(number), stranger_id)
    with pytest.raises(TooManyAttempts):
        driver.fail(6, unknown_ip(2), ids[2])

    assert driver.fail(4, HOME_IP, request_id) == [4, 3, 2, 1]
    assert driver.accepts(code, HOME_IP, request_id)


def test_strangers_with_later_requests_leave_the_ip_of_an_earlier_login(
    driver: VerificationDriver,
) -> None:
    driver.log_in(HOME_IP)
    driver.wait(60)
    request_id = fail_five_times(driver, with_id=True)
    ids = [driver.deliver(unknown_ip(number)).request_id for number in range(3)]
    code = code_of(send_by_operator(driver, 120).challenge)
    for number in range(2):
        driver.fail(5, unknown_ip(number), ids[-1])

    assert driver.accepts(code, HOME_IP, request_id)


def test_an_unused_id_keeps_its_own_attempts_and_codes(driver: VerificationDriver) -> None:
    own = driver.request()
    driver.wait(230)
    sent = send_by_operator(driver, 40)
    assert sent.challenge != own.challenge
    for challenge in (own.challenge, sent.challenge):
        assert driver.copy().accepts(code_of(challenge), HOME_IP, own.request_id)

    assert driver.fail(5, HOME_IP, own.request_id) == [9, 8, 7, 6, 5]
    assert not driver.copy().accepts(code_of(sent.challenge), HOME_IP, own.request_id)
    assert driver.accepts(code_of(own.challenge), HOME_IP, own.request_id)


# Limits


def test_operators_send_three_codes_a_day_and_rejected_ones_do_not_count(
    driver: VerificationDriver,
) -> None:
    for _ in range(2):
        sent = send_by_operator(driver, 1000)
        driver.reject(sent.request_id)
        driver.wait(1000)
    first = driver.now + timedelta(seconds=1000)
    for _ in range(3):
        assert send_by_operator(driver, 1000).is_new
    assert not driver.request(OPERATOR_IP, is_by_operator=True).is_new
    driver.wait(1000)
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(OPERATOR_IP, is_by_operator=True)
    assert error.value.limit == "operator_codes"
    assert error.value.retry_after == (first + timedelta(days=1) - driver.now).total_seconds()
    assert driver.request(WORK_IP).is_new
    driver.wait(DAY)
    assert send_by_operator(driver).is_new


@pytest.mark.parametrize(("is_limited", "guesses"), [(False, 45), (True, 18)])
def test_they_bring_45_guesses_a_day(
    driver: VerificationDriver, guesses: int, *, is_limited: bool
) -> None:
    request_id, counted = fail_five_times(driver, with_id=True), 0
    driver.is_limited = is_limited  # a limit of failed attempts that many phones share is used up
    for _ in range(3):
        send_by_operator(driver, 1000)
        for client_ip in (*map(unknown_ip, range(4)), HOME_IP):
            with suppress(TooManyAttempts):
                driver.fail(6, client_ip, request_id)
        counted += count_guesses(driver)
    assert counted == guesses


@pytest.mark.parametrize(("failures", "attempts"), [(50, 15), (94, 6), (99, 1), (100, 0)])
def test_they_help_after_fifty_failures_and_never_lead_to_more_than_a_hundred(
    failures: int, attempts: int
) -> None:
    driver = VerificationDriver()
    request_id = driver.request().request_id
    driver.fail(1, HOME_IP, request_id)
    driver.wait(400)  # the id has no attempts of its own anymore
    driver.verification = PhoneVerification(
        deliveries=driver.verification.deliveries, failures=Failures(failures)
    )
    send_by_operator(driver)
    for client_ip in (HOME_IP, unknown_ip(1), unknown_ip(2)):
        with suppress(TooManyAttempts):
            driver.fail(6, client_ip, request_id)
    assert count_guesses(driver) == attempts


# What is shown and kept


def test_what_is_left_is_shown_for_each_network_as_long_as_the_code_is_valid(
    driver: VerificationDriver,
) -> None:
    request_id = fail_five_times(driver, with_id=True)
    sent = send_by_operator(driver)
    driver.fail(2, HOME_IP, request_id)

    assert find_active_code(driver.verification, driver.now) == (sent.challenge.expires_at, 0)
    assert find_operator_attempts(driver.verification, driver.now) == OperatorAttempts(
        expires_at=sent.challenge.expires_at,
        left_by_network=(3,),
        other_networks=2,
        attempts_of_network=5,
    )
    driver.wait(300)
    assert find_operator_attempts(driver.verification, driver.now) is None


def test_networks_are_kept_as_long_as_the_code_and_the_count_for_a_day(
    driver: VerificationDriver,
) -> None:
    request_id = fail_five_times(driver, with_id=True)
    sent = send_by_operator(driver)
    driver.fail(1, HOME_IP, request_id)

    assert driver.verification.client_ips_expire_at == sent.challenge.expires_at
    [code] = driver.verification.prune(sent.challenge.expires_at).grants.codes
    assert code.counters == ()
    assert driver.verification.prune(code.sent_at + timedelta(days=1)).grants.codes == ()
