"""A delivery that every provider rejected is cancelled: it does not count anymore."""

from contextlib import suppress

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.phone_verification import PhoneVerification
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)

MAX_ATTEMPTS_A_DAY = 30 + 5 * 12


def cancel(driver: VerificationDriver, request_id: str) -> None:
    driver.verification = driver.verification.cancel_delivery(request_id)


def test_after_cancellation_the_phone_is_as_if_nobody_had_requested(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    before = driver.verification
    cancel(driver, "unknown")
    assert driver.verification == before
    cancel(driver, decision.request_id)
    assert driver.verification == PhoneVerification()


def test_a_code_of_another_delivery_stays_valid(driver: VerificationDriver) -> None:
    first = driver.request(WORK_IP)
    driver.wait(15)
    resend = driver.request(HOME_IP)
    code = code_of(resend.challenge)
    for canceled, kept in ((first, resend), (resend, first)):
        copy = driver.copy()
        cancel(copy, canceled.request_id)
        assert copy.verification.deliveries == (kept.delivery,)
        assert not copy.copy().verify(code, request_id=canceled.request_id).is_correct
        assert copy.verify(code, request_id=kept.request_id).is_correct


def test_attempts_before_a_cancellation_count_within_the_limits_of_a_day(
    driver: VerificationDriver,
) -> None:
    # Otherwise there would be no limit for a phone whose messages every provider rejects.
    attempts = 0
    for number in range(200):
        with suppress(TooManyOtpRequests):
            decision = driver.request(unknown_ip(number))
            with suppress(TooManyAttempts):
                for _ in range(5):
                    driver.fail(1, unknown_ip(number))
                    attempts += 1
            cancel(driver, decision.request_id)
        driver.wait(minutes=7)
    assert attempts <= MAX_ATTEMPTS_A_DAY
