"""A correct code: its result, what it resets, and what it does not."""

import pytest

from domain.errors import TooManyAttempts
from domain.otp.attempts import Unchallenged
from domain.otp.challenge import Login
from domain.otp.delivery import Delivery
from domain.otp.delivery_policy import DeliveryDecision
from tests.support.builders import an_id
from tests.unit.domain.otp.verification_driver import (
    DEVICE,
    HOME_IP,
    IDENTITY_ID,
    WORK_IP,
    VerificationDriver,
    code_of,
)

Decisions = tuple[DeliveryDecision, DeliveryDecision]


@pytest.fixture
def two_codes(driver: VerificationDriver) -> Decisions:
    """Two active codes that were delivered to `HOME_IP`."""
    first = driver.request(HOME_IP)
    driver.wait(250)
    return first, driver.request(HOME_IP)


def test_a_correct_code_keeps_the_attempts_of_others(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    first, second = two_codes
    driver.fail(5, WORK_IP)
    driver.fail(5, HOME_IP, second.request_id)
    assert driver.accepts(code_of(first.challenge), HOME_IP, first.request_id)
    for client_ip, request_id in ((WORK_IP, None), (HOME_IP, second.request_id)):
        with pytest.raises(TooManyAttempts):
            driver.fail(1, client_ip, request_id)


def test_a_correct_code_resets_the_attempts_of_its_delivery_and_ip(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    first, _ = two_codes
    driver.fail(4, WORK_IP, first.request_id)
    driver.fail(4, HOME_IP)
    assert driver.accepts(code_of(first.challenge), HOME_IP, first.request_id)
    assert driver.fail(1, WORK_IP, first.request_id) == [4]
    assert driver.fail(1, HOME_IP) == [4]


# Retries of an interrupted login


def test_a_retry_by_the_same_client_has_the_login_of_the_code(driver: VerificationDriver) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    used = driver.use(code, request_id=request_id)
    assert used.login == used.challenge.login == Login(IDENTITY_ID, "a-session", request_id)
    before = driver.verification
    for client_ip, sent_id in ((HOME_IP, None), (HOME_IP, request_id), (WORK_IP, request_id)):
        retried = driver.verify(code, client_ip, sent_id)
        assert isinstance(retried, Unchallenged)
        assert retried.code is not None
        assert retried.code.challenge == used.challenge
        # Its permits are released now if the interrupted request did not.
        assert isinstance(retried.code.carrier, Delivery)
        assert retried.code.carrier.request_id == request_id
    assert driver.verification == before


def test_a_used_code_can_be_sent_again_until_a_minute_after_it_expired(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request().challenge)
    driver.wait(299)
    assert driver.accepts(code)
    assert driver.copy(after=1 + 59).can_log_in(code)
    assert not driver.copy(after=1 + 60).can_log_in(code)


def test_a_device_can_send_a_used_code_again_from_any_ip_and_others_cannot(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    assert driver.accepts(code, HOME_IP)
    assert not driver.can_log_in(code, WORK_IP)
    driver.device = DEVICE
    assert driver.can_log_in(code, WORK_IP)


def test_of_two_used_codes_the_one_that_was_used_last_can_be_sent_again(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    codes = [code_of(decision.challenge) for decision in two_codes]
    for code in codes:
        driver.wait(1)
        assert driver.accepts(code)
    assert [driver.can_log_in(code) for code in codes] == [False, True]


def test_a_retry_has_no_login_after_a_block_or_at_another_identity(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request().challenge)
    driver.verify(code)
    verification = driver.verification
    for changed in (verification.block(driver.now), verification.change_owner(an_id(9))):
        driver.verification = changed
        assert not driver.can_log_in(code)
