"""Everything that counts expires, and so does the state of a phone in which nothing counts."""

from datetime import timedelta

from domain.otp.attempts import UnboundAttempts
from domain.otp.phone_verification import TRUSTED_IP_TTL, PhoneVerification
from tests.support.builders import NOW, a_challenge
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
)

ONE_DAY = timedelta(days=1)


# Expiry times


def test_the_state_of_a_phone_without_requests_has_expired() -> None:
    expires_at = PhoneVerification().expires_at
    assert expires_at is not None
    assert expires_at < NOW


def test_a_phone_with_an_identity_never_expires(driver: VerificationDriver) -> None:
    driver.deliver()
    assigned = driver.verification.assign_identity("identity-id")
    assert assigned.expires_at is None
    assert assigned.assign_identity(None).expires_at == driver.verification.expires_at


def test_a_blocked_phone_never_expires() -> None:
    blocked = PhoneVerification().block(NOW)
    assert blocked.expires_at is None
    assert blocked.unblock().expires_at == PhoneVerification().expires_at


def test_a_delivery_counts_for_a_day(driver: VerificationDriver) -> None:
    driver.deliver()
    assert driver.verification.expires_at == NOW + ONE_DAY


def test_a_challenge_counts_until_its_code_expires() -> None:
    challenge = a_challenge()
    assert PhoneVerification(challenges=(challenge,)).expires_at == challenge.expires_at


def test_an_attempt_counts_against_its_ip_for_an_hour() -> None:
    attempts = UnboundAttempts().count(WORK_IP, NOW, is_shared=False)
    assert attempts.expiry_times() == [NOW + timedelta(hours=1)]


def test_an_attempt_counts_against_the_shared_limit_for_a_day(driver: VerificationDriver) -> None:
    driver.fail(1, WORK_IP)
    assert driver.verification.expires_at == NOW + ONE_DAY


def test_an_ip_is_trusted_for_ninety_days(driver: VerificationDriver) -> None:
    driver.log_in(HOME_IP)
    assert timedelta(days=90) == TRUSTED_IP_TTL
    assert driver.verification.expires_at == NOW + TRUSTED_IP_TTL


def test_an_expired_state_decides_like_an_empty_one(driver: VerificationDriver) -> None:
    decision = driver.deliver(HOME_IP)
    driver.fail(5, WORK_IP)
    assert driver.verify(code_of(decision.challenge), HOME_IP).is_correct
    expires_at = driver.verification.expires_at
    assert expires_at is not None
    expired = VerificationDriver(driver.verification, now=expires_at)
    empty = VerificationDriver(now=expires_at)
    expired.deliver(HOME_IP)
    empty.deliver(HOME_IP)
    assert expired.verification == empty.verification


# Removal


def test_the_next_request_removes_everything_that_expired(driver: VerificationDriver) -> None:
    for _ in range(5):
        driver.deliver()
    driver.fail(5, WORK_IP)
    driver.wait(days=1)
    driver.deliver()
    assert len(driver.verification.deliveries) == 1
    assert len(driver.verification.challenges) == 1
    assert driver.verification.unbound_attempts == UnboundAttempts()


def test_the_next_attempt_removes_expired_deliveries_and_challenges(
    driver: VerificationDriver,
) -> None:
    for _ in range(5):
        driver.deliver()
    driver.wait(days=1)
    driver.fail(1, WORK_IP)
    assert driver.verification.deliveries == ()
    assert driver.verification.challenges == ()


def test_the_next_attempt_removes_a_challenge_after_five_minutes(
    driver: VerificationDriver,
) -> None:
    driver.deliver()
    driver.wait(minutes=5)
    driver.fail(1, WORK_IP)
    assert driver.verification.challenges == ()


def test_the_next_attempt_removes_attempts_of_an_ip_after_an_hour(
    driver: VerificationDriver,
) -> None:
    driver.fail(5, WORK_IP)
    driver.wait(hours=1)
    driver.fail(1, WORK_IP)
    attempts = driver.verification.unbound_attempts.by_ip
    assert [attempt.attempted_at for attempt in attempts] == [driver.now]


def test_challenges_without_their_key_are_dropped() -> None:
    kept, dropped = a_challenge(key_id="known"), a_challenge(key_id="unknown")
    verification = PhoneVerification(challenges=(kept, dropped))
    remaining = verification.drop_challenges_without_key(lambda key_id: key_id == "known")
    assert remaining.challenges == (kept,)
    assert remaining.drop_challenges_without_key(lambda key_id: key_id == "known") is remaining
