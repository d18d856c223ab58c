"""A correct code: its result, what it resets, and what it does not."""

import pytest

from domain.errors import TooManyAttempts
from domain.otp.challenge import Login
from domain.otp.delivery_policy import DeliveryDecision
from tests.support.builders import an_id
from tests.unit.domain.otp.verification_driver import (
    DEVICE,
    HOME_IP,
    IDENTITY_ID,
    WORK_IP,
    WRONG_CODE,
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


def test_a_code_is_correct_only_once(driver: VerificationDriver) -> None:
    decision = driver.request()
    code = code_of(decision.challenge)
    assert driver.verify(code).is_correct
    assert not driver.verify(code).is_correct
    assert not driver.verify(code, WORK_IP).is_correct
    assert not driver.verify(code, request_id=decision.request_id).is_correct


def test_the_result_has_the_delivery_of_the_request_id_or_else_the_latest_of_the_code(
    driver: VerificationDriver,
) -> None:
    first = driver.request()
    driver.wait(15)
    resend = driver.request()
    driver.wait(240)
    driver.request()
    code = code_of(first.challenge)
    wrong = driver.copy().verify(WRONG_CODE, request_id=first.request_id)
    named = driver.copy().verify(code, request_id=first.request_id)
    assert (wrong.delivery, named.delivery) == (None, first.delivery)
    assert driver.copy().verify(code).delivery == resend.delivery
    # After a block at the same moment the client must not see a difference.
    assert wrong.attempts_left == named.attempts_left == 4


def test_a_correct_code_keeps_the_attempts_of_others(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    first, second = two_codes
    driver.fail(5, WORK_IP)
    driver.fail(5, HOME_IP, second.request_id)
    assert driver.verify(code_of(first.challenge), HOME_IP, first.request_id).is_correct
    for client_ip, request_id in ((WORK_IP, None), (HOME_IP, second.request_id)):
        with pytest.raises(TooManyAttempts):
            driver.fail(1, client_ip, request_id)


def test_a_correct_code_resets_the_attempts_of_its_delivery_and_ip(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    first, _ = two_codes
    driver.fail(4, WORK_IP, first.request_id)
    driver.fail(4, HOME_IP)
    assert driver.verify(code_of(first.challenge), HOME_IP, first.request_id).is_correct
    assert driver.fail(1, WORK_IP, first.request_id) == [4]
    assert driver.fail(1, HOME_IP) == [4]


def test_a_correct_code_of_a_device_resets_its_attempts_at_every_delivery(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    driver.verification = driver.verification.assign_identity(IDENTITY_ID)
    driver.device = DEVICE
    driver.fail(4, WORK_IP)
    assert driver.verify(code_of(two_codes[0].challenge), WORK_IP).is_correct
    assert driver.fail(1, WORK_IP) == [4]


@pytest.mark.parametrize("seconds", [0, 1])
def test_only_the_code_that_was_used_last_is_compared_until_it_expires(
    driver: VerificationDriver, two_codes: Decisions, seconds: int
) -> None:
    first, second = two_codes
    for decision in (second, first):
        assert driver.verify(code_of(decision.challenge)).is_correct
        driver.wait(seconds)
    (compared,) = driver.verification.comparable_challenges(driver.now)
    if seconds:
        assert compared.id == first.challenge.id
    assert driver.verification.comparable_challenges(second.challenge.expires_at) == ()


def test_the_code_that_was_just_used_is_not_counted(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    first, second = two_codes
    code = code_of(first.challenge)
    assert driver.verify(code, HOME_IP, first.request_id).is_correct
    before = driver.verification
    for _ in range(6):
        result = driver.verify(code, HOME_IP, second.request_id)
        # As many as after a wrong code: nothing reveals that it was correct before.
        assert (result.is_correct, result.attempts_left, result.is_counted) == (False, 4, False)
    assert driver.verification is before


# Retries of an interrupted login


def test_a_retry_by_the_same_client_has_the_login_of_the_code(driver: VerificationDriver) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    used = driver.verify(code, request_id=request_id)
    assert used.challenge is not None
    assert used.challenge.login == Login(IDENTITY_ID, "a-session", request_id)
    before = driver.verification
    for client_ip, sent_id in ((HOME_IP, None), (HOME_IP, request_id), (WORK_IP, request_id)):
        retried = driver.verify(code, client_ip, sent_id)
        assert (retried.is_correct, retried.is_replay) == (False, True)
        assert retried.challenge == used.challenge
        # Its permits are released now if the interrupted request did not.
        assert retried.delivery is not None
        assert retried.delivery.request_id == request_id
    assert driver.verification == before


def test_a_recognized_device_may_retry_from_any_ip(driver: VerificationDriver) -> None:
    driver.log_in(HOME_IP)
    driver.device = DEVICE
    code = code_of(driver.request(HOME_IP).challenge)
    used = driver.verify(code, HOME_IP)
    retried = driver.verify(code, WORK_IP)
    assert retried.challenge == used.challenge
    assert (used.is_device_recognized, retried.is_device_recognized) == (True, True)
    driver.device = None
    assert not driver.verify(code, HOME_IP).is_device_recognized


def test_a_retry_has_the_login_of_the_identity_that_replaced_a_deleted_one(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    for decision in two_codes:
        driver.verify(code_of(decision.challenge))
    moved = driver.verification.move_login(two_codes[0].challenge.id, an_id(9))
    assert [challenge.login for challenge in moved.challenges] == [
        Login(an_id(9), "a-session"),
        Login(IDENTITY_ID, "a-session"),
    ]


def test_a_stranger_who_guesses_a_used_code_does_not_get_its_login(
    driver: VerificationDriver,
) -> None:
    owner = driver.request()
    stranger = driver.request(WORK_IP)
    code = code_of(owner.challenge)
    driver.verify(code, request_id=owner.request_id)
    assert driver.verify(code, WORK_IP).challenge is None
    assert driver.verify(code, WORK_IP, stranger.request_id).challenge is None
    assert driver.verify(code, WORK_IP, "unknown").challenge is None
    assert driver.verify(code, HOME_IP, "unknown").challenge is None


def test_a_retry_has_no_login_after_a_block_or_at_another_identity(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request().challenge)
    driver.verify(code)
    verification = driver.verification
    for changed in (verification.block(driver.now), verification.assign_identity(an_id(9))):
        driver.verification = changed
        assert driver.verify(code).challenge is None
