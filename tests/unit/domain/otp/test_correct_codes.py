"""A correct code: its result, what it resets, and what it does not."""

import pytest

from domain.errors import TooManyAttempts
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    code_of,
)


def test_a_code_is_correct_only_once(driver: VerificationDriver) -> None:
    decision = driver.request()
    code = code_of(decision.challenge)
    assert driver.verify(code).is_correct
    assert not driver.verify(code).is_correct
    assert not driver.verify(code, WORK_IP).is_correct
    assert not driver.verify(code, request_id=decision.delivery.request_id).is_correct


def test_the_result_has_the_delivery_of_the_request_id(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(15)
    driver.request()
    code, request_id = code_of(first.challenge), first.delivery.request_id
    assert driver.verify(WRONG_CODE, request_id=request_id).delivery is None
    result = driver.verify(code, request_id=request_id)
    assert result.delivery is not None
    assert result.delivery.request_id == request_id


def test_without_a_request_id_the_result_has_the_latest_delivery_of_the_code(
    driver: VerificationDriver,
) -> None:
    driver.request()
    driver.wait(15)
    resend = driver.request()
    driver.wait(240)
    driver.request()
    assert driver.verify(code_of(resend.challenge)).delivery == resend.delivery


def test_a_correct_code_resets_the_attempts_of_its_own_request_id(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    request_id = decision.delivery.request_id
    driver.fail(4, request_id=request_id)
    assert driver.verify(code_of(decision.challenge), request_id=request_id).is_correct
    assert driver.fail(5, request_id=request_id) == [4, 3, 2, 1, 0]


def test_a_correct_code_resets_the_attempts_of_its_own_ip(driver: VerificationDriver) -> None:
    decision = driver.request()
    driver.fail(4)
    assert driver.verify(code_of(decision.challenge)).is_correct
    driver.wait(60)
    driver.deliver()
    assert driver.fail(5) == [4, 3, 2, 1, 0]


def test_with_a_request_id_a_correct_code_resets_the_attempts_of_its_ip(
    driver: VerificationDriver,
) -> None:
    driver.request()
    driver.fail(5)
    driver.wait(60)
    resend = driver.request()
    code, request_id = code_of(resend.challenge), resend.delivery.request_id
    assert driver.verify(code, request_id=request_id).is_correct
    driver.wait(60)
    driver.deliver()
    assert driver.fail(1) == [4]


def test_a_correct_code_keeps_the_attempts_of_another_ip(driver: VerificationDriver) -> None:
    decision = driver.request(HOME_IP)
    driver.fail(5, WORK_IP)
    assert driver.verify(code_of(decision.challenge), HOME_IP).is_correct
    with pytest.raises(TooManyAttempts):
        driver.fail(1, WORK_IP)


def test_a_correct_code_keeps_the_attempts_of_another_request_id(
    driver: VerificationDriver,
) -> None:
    first = driver.request()
    driver.fail(5, request_id=first.delivery.request_id)
    driver.wait(60)
    resend = driver.request()
    code, request_id = code_of(resend.challenge), resend.delivery.request_id
    assert driver.verify(code, request_id=request_id).is_correct
    with pytest.raises(TooManyAttempts):
        driver.fail(1, request_id=first.delivery.request_id)


def test_a_correct_code_does_not_use_another_active_code(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(250)
    second = driver.request()
    assert driver.verify(code_of(second.challenge)).is_correct
    assert driver.verify(code_of(first.challenge)).is_correct


def test_a_correct_code_keeps_the_identity_of_the_phone(driver: VerificationDriver) -> None:
    driver.verification = driver.verification.assign_identity("identity-id")
    decision = driver.request()
    assert driver.verify(code_of(decision.challenge)).is_correct
    assert driver.verification.identity_id == "identity-id"
