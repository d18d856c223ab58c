"""An attempt without a request id counts on its IP, and strangers cannot use up the owner's.

An IP that requested a delivery has attempts of its own. One that requested none is unknown; all
unknown IPs share one limit, and each has a first attempt after a delivery in any case.
"""

import pytest

from domain.errors import TooManyAttempts
from domain.otp.attempts import VerificationResult
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    code_of,
    unknown_ip,
)

NEIGHBOR = "2001:db8:1:7::/64"
"""In the same /48 as `unknown_ip(1)`."""


# The IP that requested the delivery


def test_each_active_code_is_correct_from_any_ip(driver: VerificationDriver) -> None:
    first = driver.request(HOME_IP)
    driver.wait(250)
    second = driver.request(HOME_IP)
    assert driver.copy().verify(code_of(second.challenge), WORK_IP).is_correct
    assert driver.verify(code_of(first.challenge), HOME_IP).is_correct
    assert driver.verify(code_of(second.challenge), HOME_IP).is_correct


def test_after_five_wrong_codes_even_the_correct_code_is_rejected_until_the_next_delivery(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    assert driver.fail(5, HOME_IP) == [4, 3, 2, 1, 0]
    before = driver.verification
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), HOME_IP)
    assert driver.verification is before
    assert driver.fail(1, HOME_IP, decision.request_id) == [4]
    driver.wait(15)
    resend = driver.request(HOME_IP)
    assert driver.fail(1, HOME_IP) == [4]
    assert driver.verify(code_of(resend.challenge), HOME_IP).is_correct


# Unknown IPs


def test_the_first_attempt_of_an_ip_after_a_delivery_does_not_need_the_shared_limit(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    assert driver.copy().verify(code_of(decision.challenge), WORK_IP).is_correct
    assert driver.fail(1, WORK_IP) == [0]
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), WORK_IP)
    driver.wait(15)
    resend = driver.request(HOME_IP)
    assert driver.verify(code_of(resend.challenge), WORK_IP).is_correct


def test_attempts_without_an_active_challenge_leave_no_state(driver: VerificationDriver) -> None:
    before = driver.verification
    for number in range(10):
        result = driver.verify(WRONG_CODE, unknown_ip(number))
        assert result == VerificationResult(is_correct=False, attempts_left=0, is_unchallenged=True)
    assert driver.verification is before


# While a limit of failed attempts that many phones share is used up


def test_under_attack_only_known_ips_have_attempts_without_a_request_id(
    driver: VerificationDriver,
) -> None:
    driver.log_in(WORK_IP)
    decision = driver.request(unknown_ip(1))
    driver.is_limited = True
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), HOME_IP)
    for client_ip in (unknown_ip(1), NEIGHBOR, WORK_IP):
        assert driver.copy().verify(code_of(decision.challenge), client_ip).is_correct
    driver.wait(15)
    driver.request("203.0.113.7")
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), "203.0.113.8")  # an IPv4 neighbor is unknown


def test_under_attack_all_networks_of_a_site_share_two_attempts_at_a_delivery(
    driver: VerificationDriver,
) -> None:
    driver.log_in(WORK_IP)
    driver.is_limited = True
    code = code_of(driver.request(unknown_ip(1)).challenge)
    for number in range(2):
        driver.verify(WRONG_CODE, f"2001:db8:1:{number + 8}::/64")
    with pytest.raises(TooManyAttempts):
        driver.verify(code, NEIGHBOR)
    assert driver.copy().verify(code, WORK_IP).is_correct
    driver.wait(15)
    driver.request(unknown_ip(1))
    assert driver.verify(code, NEIGHBOR).is_correct
