"""Attempts: on whom each counts, that strangers use up nobody else's, and when a code is right."""

import pytest

from domain.errors import TooManyAttempts
from domain.otp.attempts import Correct, CorrectAtBlockedPhone, Retried, Wrong
from domain.otp.challenge import OTHERS, Client, ClientKind, Login
from domain.otp.delivery_policy import DeliveryDecision
from tests.support.builders import a_hashed_ip, an_id
from tests.unit.domain.otp.verification_driver import (
    DEVICE,
    HOME_IP,
    IDENTITY_ID,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    code_of,
    unknown_ip,
)

HOME_NEIGHBOR = "203.0.113.8"
"""An IP in the same /24 as `HOME_IP`."""


def test_an_attempt_counts_on_the_first_client_that_applies(driver: VerificationDriver) -> None:
    driver.log_in(WORK_IP)
    request_id = driver.request(HOME_IP).request_id
    driver.request(unknown_ip(1))  # it joins
    for client_ip, sent_id, client in (
        (unknown_ip(2), request_id, Client(ClientKind.REQUEST, request_id)),
        (WORK_IP, None, Client(ClientKind.KNOWN_IP, a_hashed_ip(WORK_IP).ip)),
        (HOME_NEIGHBOR, None, Client(ClientKind.NETWORK, a_hashed_ip(HOME_IP).network)),
        (unknown_ip(1), None, Client(ClientKind.NETWORK, a_hashed_ip(unknown_ip(1)).network)),
        (unknown_ip(2), None, OTHERS),
    ):
        assert driver.check(WRONG_CODE, client_ip, sent_id).client == client
    driver.device = DEVICE
    for sent_id in (request_id, None):
        check = driver.check(WRONG_CODE, unknown_ip(2), sent_id)
        assert check.client == Client(ClientKind.DEVICE, DEVICE.device_id)


def test_each_client_has_five_attempts_at_a_code_and_five_for_each_message_it_causes(
    driver: VerificationDriver,
) -> None:
    driver.log_in(WORK_IP)
    first = driver.request(HOME_IP)
    for client_ip, request_id in (
        (unknown_ip(1), first.request_id),
        (HOME_NEIGHBOR, None),
        (WORK_IP, None),
        (unknown_ip(2), None),
    ):
        assert driver.fail(5, client_ip, request_id) == [4, 3, 2, 1, 0]
        before = driver.verification
        with pytest.raises(TooManyAttempts) as error:
            driver.verify(code_of(first.challenge), client_ip, request_id)
        assert error.value.retry_after == 300
        assert driver.verification is before
    driver.wait(15)
    # A message also brings a recognized client five more at a code of somebody else.
    of_work = driver.copy()
    of_work.request(WORK_IP)
    assert of_work.fail(1, WORK_IP) == [4]
    resend = driver.request(HOME_IP)
    assert resend.challenge.id == first.challenge.id
    assert driver.fail(1, HOME_IP) == [4]
    assert driver.fail(1, unknown_ip(1), resend.request_id) == [4]
    for client_ip, request_id in ((unknown_ip(1), first.request_id), (unknown_ip(2), None)):
        with pytest.raises(TooManyAttempts):
            driver.fail(1, client_ip, request_id)


def test_who_joins_has_two_attempts_by_the_id_and_two_for_its_network(
    driver: VerificationDriver,
) -> None:
    driver.request(HOME_IP)
    joined = driver.request(WORK_IP)
    assert driver.fail(2, unknown_ip(1), joined.request_id) == [1, 0]
    assert driver.fail(2, WORK_IP) == [1, 0]
    assert driver.accepts(code_of(joined.challenge), HOME_IP)


def test_strangers_use_up_no_attempts_of_others(driver: VerificationDriver) -> None:
    driver.log_in(WORK_IP)
    decision = driver.request(HOME_IP)
    for number in range(40):
        for request_id in (None, "unknown"):
            try:
                driver.fail(1, unknown_ip(number), request_id)
            except TooManyAttempts:
                assert number >= 5
    code = code_of(decision.challenge)
    for client_ip, request_id, device in (
        (unknown_ip(99), decision.request_id, None),
        (HOME_IP, None, None),
        (WORK_IP, None, None),
        (unknown_ip(99), None, DEVICE),
    ):
        copy = driver.copy()
        copy.device = device
        assert copy.accepts(code, client_ip, request_id)


def test_the_same_wrong_code_within_ten_seconds_is_counted_once_also_the_last(
    driver: VerificationDriver,
) -> None:
    request_id = driver.request().request_id
    for seconds, expected in (
        (0, Wrong(4, is_counted=True)),
        (9.999, Wrong(4)),
        (0.001, Wrong(3, is_counted=True)),
    ):
        driver.wait(seconds)
        assert driver.verify(WRONG_CODE, request_id=request_id) == expected
    assert driver.fail(2, request_id=request_id) == [2, 1]
    assert driver.verify(WRONG_CODE, request_id=request_id) == Wrong(0, is_counted=True)
    assert driver.verify(WRONG_CODE, request_id=request_id) == Wrong(0)
    with pytest.raises(TooManyAttempts):
        driver.fail(1, request_id=request_id)


def test_only_the_latest_code_of_the_same_client_is_the_same_again(
    driver: VerificationDriver,
) -> None:
    request_id = driver.request().request_id
    codes = [WRONG_CODE, "888888", WRONG_CODE]
    results = [driver.verify(code, request_id=request_id) for code in codes]
    assert results == [Wrong(left, is_counted=True) for left in (4, 3, 2)]
    assert driver.verify(WRONG_CODE) == Wrong(4, is_counted=True)


def test_where_no_code_is_active_nothing_is_counted_and_none_is_left(
    driver: VerificationDriver,
) -> None:
    before = driver.verification
    assert driver.verify(WRONG_CODE, unknown_ip(1)) == Wrong(0, has_ended=True)
    assert driver.verification is before
    decision = driver.request()
    before = driver.verification
    assert driver.verify(code_of(decision.challenge), request_id="unknown") == Wrong(
        0, has_ended=True
    )
    driver.wait(300)
    assert driver.verify(code_of(decision.challenge), request_id=decision.request_id) == Wrong(
        0, has_ended=True
    )
    assert driver.verification is before


Decisions = tuple[DeliveryDecision, DeliveryDecision]


@pytest.fixture
def two_codes(driver: VerificationDriver) -> Decisions:
    """Two active codes: the first was requested by `HOME_IP`, the second by `WORK_IP`."""
    first = driver.request(HOME_IP)
    driver.wait(250)
    return first, driver.request(WORK_IP)


def test_without_an_id_each_code_is_right_and_with_one_only_its_own(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    for decision, other in (two_codes, two_codes[::-1]):
        code = code_of(decision.challenge)
        for client_ip in (HOME_IP, WORK_IP, unknown_ip(1)):
            assert driver.copy().accepts(code, client_ip)
        assert driver.copy().accepts(code, HOME_IP, decision.request_id)
        assert not driver.copy().accepts(code, HOME_IP, other.request_id)


def test_a_code_that_was_wrong_with_the_id_of_another_one_is_right_without_an_id(
    driver: VerificationDriver,
) -> None:
    driver.log_in(HOME_IP)
    first = driver.request(HOME_IP)
    driver.wait(250)
    code = code_of(driver.request(WORK_IP).challenge)
    driver.device = DEVICE
    assert driver.verify(code, HOME_IP, first.request_id) == Wrong(4, is_counted=True)
    assert driver.accepts(code, HOME_IP)


def test_without_an_id_an_attempt_counts_at_the_latest_code_that_its_network_requested(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    for client_ip, decision in (
        (HOME_IP, two_codes[0]),
        (WORK_IP, two_codes[1]),
        (unknown_ip(1), two_codes[1]),
    ):
        challenge = driver.check(WRONG_CODE, client_ip).challenge
        assert challenge is not None
        assert challenge.id == decision.challenge.id


# A blocked phone


def test_a_blocked_phone_gets_codes_and_the_right_one_logs_nobody_in(
    driver: VerificationDriver,
) -> None:
    driver.log_in(HOME_IP)
    driver.fail_in_a_row(3)
    driver.verification = driver.verification.block(driver.now)
    driver.device = DEVICE
    decision = driver.deliver(HOME_IP)
    assert not decision.delivery.device_id  # nobody is recognized
    code, request_id = code_of(decision.challenge), decision.request_id
    assert driver.verify(WRONG_CODE, request_id=request_id) == Wrong(4, is_counted=True)
    assert driver.verify(code, request_id=request_id) == CorrectAtBlockedPhone()
    assert driver.verification.failures.in_a_row == 0
    before = driver.verification
    assert driver.verify(code, request_id=request_id) == CorrectAtBlockedPhone()
    assert driver.verify(code, request_id=None) == Wrong(0, has_ended=True)
    assert driver.verification is before
    driver.verification = driver.verification.unblock()
    assert driver.verify(code, request_id=request_id) == Wrong(0, has_ended=True)


def test_a_code_from_before_a_block_makes_no_identity(driver: VerificationDriver) -> None:
    decision = driver.request()
    driver.verification = driver.verification.block(driver.now)
    assert driver.verify(code_of(decision.challenge)) == CorrectAtBlockedPhone()
    assert driver.verification.identity_id is None
    assert driver.verification.trusted_ips == ()


# Retries of an interrupted login


def test_a_retry_by_the_same_client_has_the_login_of_the_code(driver: VerificationDriver) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    result = driver.verify(code, request_id=request_id)
    assert isinstance(result, Correct)
    used = result.code
    assert used.login == used.challenge.login == Login(IDENTITY_ID, "a-session", request_id)
    before = driver.verification
    for client_ip, sent_id in ((HOME_IP, None), (HOME_IP, request_id), (WORK_IP, request_id)):
        retried = driver.verify(code, client_ip, sent_id)
        assert isinstance(retried, Retried)
        assert retried.code.challenge == used.challenge
        assert retried.code.carrier.request_id == request_id
    assert driver.verification == before


def test_a_used_code_can_be_sent_again_by_its_ip_or_device_for_a_minute(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    driver.wait(299)
    assert driver.accepts(code, HOME_IP)
    assert not driver.can_log_in(code, WORK_IP)
    for client_ip, device in ((HOME_IP, None), (WORK_IP, DEVICE)):
        driver.device = device
        assert driver.copy(after=59).can_log_in(code, client_ip)
        assert not driver.copy(after=60).can_log_in(code, client_ip)


def test_for_that_minute_others_behind_the_ip_have_five_attempts_at_the_used_code(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    driver.verify(code, HOME_IP)
    assert driver.verify(code, HOME_NEIGHBOR) == Wrong(0, has_ended=True)
    driver.wait(10)
    for client_ip in (HOME_NEIGHBOR, WORK_IP):
        assert driver.fail(5, client_ip) == [0, 0, 0, 0, 0]
        with pytest.raises(TooManyAttempts) as error:
            driver.verify(code, client_ip)
        assert error.value.retry_after == 50
    driver.wait(50)
    before = driver.verification
    assert driver.verify(code, HOME_IP) == Wrong(0, has_ended=True)
    assert driver.verification is before


def test_of_two_used_codes_the_one_that_was_used_last_can_be_sent_again(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    codes = [code_of(decision.challenge) for decision in two_codes]
    for code in codes:
        driver.wait(1)
        assert driver.accepts(code)
    assert [driver.can_log_in(code) for code in codes] == [False, True]


def test_a_retry_has_no_login_at_another_identity(driver: VerificationDriver) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    assert isinstance(driver.verify(code, request_id=request_id), Correct)
    driver.verification = driver.verification.change_owner(an_id(9))
    assert driver.verify(code, request_id=request_id) == Wrong(0, has_ended=True)
