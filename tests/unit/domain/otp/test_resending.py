"""A resend carries the same code while the code lives long enough."""

from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
)


def test_a_resend_carries_the_same_code(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(60)
    resend = driver.request()
    assert resend.is_new
    assert resend.challenge == first.challenge
    assert driver.verification.challenges == (first.challenge,)


def test_a_resend_to_another_ip_carries_the_same_code(driver: VerificationDriver) -> None:
    first = driver.request(HOME_IP)
    driver.wait(60)
    assert driver.request(WORK_IP).challenge == first.challenge


def test_a_resend_does_not_extend_the_life_of_the_code(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(200)
    resend = driver.request()
    assert resend.challenge.expires_at == first.challenge.expires_at
    driver.wait(99)
    assert driver.copy().verify(code_of(first.challenge)).is_correct
    driver.wait(1)
    assert not driver.verify(code_of(first.challenge)).is_correct


def test_each_delivery_has_its_own_request_id(driver: VerificationDriver) -> None:
    request_ids = [driver.deliver().delivery.request_id for _ in range(3)]
    assert len(set(request_ids)) == 3


def test_with_a_minute_left_a_resend_carries_the_same_code(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(240)
    assert driver.request().challenge == first.challenge


def test_with_less_than_a_minute_left_a_new_code_is_made(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(240.001)
    second = driver.request()
    assert second.challenge.id != first.challenge.id
    assert (second.challenge.expires_at - driver.now).total_seconds() == 300


def test_the_old_code_stays_valid_to_its_end(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(250)
    second = driver.request()
    driver.wait(49)
    assert driver.copy().verify(code_of(first.challenge)).is_correct
    assert driver.copy().verify(code_of(second.challenge)).is_correct
    driver.wait(1)
    assert not driver.copy().verify(code_of(first.challenge)).is_correct
    assert driver.copy().verify(code_of(second.challenge)).is_correct


def test_the_old_code_is_correct_only_with_its_own_request_id(driver: VerificationDriver) -> None:
    first = driver.request()
    driver.wait(250)
    second = driver.request()
    old_code = code_of(first.challenge)
    assert not driver.copy().verify(old_code, request_id=second.delivery.request_id).is_correct
    assert driver.verify(old_code, request_id=first.delivery.request_id).is_correct


def test_with_two_active_codes_a_resend_carries_the_newer(driver: VerificationDriver) -> None:
    driver.request()
    driver.wait(250)
    second = driver.request()
    driver.wait(20)
    assert driver.request().challenge == second.challenge


def test_a_used_code_is_not_sent_again(driver: VerificationDriver) -> None:
    first = driver.request()
    assert driver.verify(code_of(first.challenge)).is_correct
    driver.wait(60)
    assert driver.request().challenge.id != first.challenge.id


def test_at_most_two_codes_are_active(driver: VerificationDriver) -> None:
    for seconds in (0, 241, 16, 225, 16, 241):
        driver.wait(seconds)
        driver.deliver()
        active = driver.verification.active_challenges(driver.now)
        assert len(active) <= 2
        driver.verify(code_of(active[-1]))
