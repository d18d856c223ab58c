"""Everything that counts expires, and so does the state of a phone in which nothing counts."""

from datetime import timedelta

from domain.otp.challenge import OTP_TTL
from domain.otp.failures import FAILURES_TTL, DeviceFailures, Failures
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


def test_failures_count_for_thirty_days(driver: VerificationDriver) -> None:
    driver.deliver()
    driver.fail(1, WORK_IP)
    assert timedelta(days=30) == FAILURES_TTL
    assert driver.verification.expires_at == NOW + FAILURES_TTL


def test_a_shared_attempt_counts_for_a_day() -> None:
    assert PhoneVerification(shared_attempts=(NOW,)).expires_at == NOW + ONE_DAY


def test_the_ip_of_an_attempt_expires_with_the_code(driver: VerificationDriver) -> None:
    driver.deliver(HOME_IP)
    assert driver.verification.client_ips_expire_at == NOW + ONE_DAY
    driver.fail(1, WORK_IP)
    assert driver.verification.client_ips_expire_at == NOW + OTP_TTL


def test_an_ip_is_trusted_for_ninety_days(driver: VerificationDriver) -> None:
    driver.log_in(HOME_IP)
    assert timedelta(days=90) == TRUSTED_IP_TTL
    verification = driver.verification.assign_identity(None)
    assert verification.expires_at == NOW + TRUSTED_IP_TTL


def test_an_expired_state_decides_like_an_empty_one(driver: VerificationDriver) -> None:
    decision = driver.deliver(HOME_IP)
    driver.fail(5, WORK_IP)
    assert driver.verify(code_of(decision.challenge), HOME_IP).is_correct
    verification = driver.verification.assign_identity(None)
    expires_at = verification.expires_at
    assert expires_at is not None
    expired = VerificationDriver(verification, now=expires_at)
    empty = VerificationDriver(now=expires_at)
    expired.deliver(HOME_IP)
    empty.deliver(HOME_IP)
    assert expired.verification == empty.verification


# Removal


def test_everything_that_expired_is_pruned(driver: VerificationDriver) -> None:
    for _ in range(5):
        driver.deliver()
    driver.fail(5, WORK_IP)
    pruned = driver.verification.prune(driver.now + ONE_DAY)
    assert pruned == PhoneVerification(failures=driver.verification.failures)


def test_the_attempts_of_a_delivery_are_pruned_with_its_code(driver: VerificationDriver) -> None:
    driver.deliver()
    driver.fail(1, WORK_IP)
    pruned = driver.verification.prune(NOW + OTP_TTL)
    assert [delivery.counters for delivery in pruned.deliveries] == [()]


def test_failures_of_a_device_are_pruned_with_its_token() -> None:
    failures = Failures(by_device=(DeviceFailures("a-device", 20, NOW),))
    verification = PhoneVerification(failures=failures)
    assert verification.prune(NOW + timedelta(days=179)) == verification
    assert verification.prune(NOW + timedelta(days=180)) == PhoneVerification()


def test_challenges_without_their_key_are_dropped() -> None:
    kept, dropped = a_challenge(key_id="known"), a_challenge(key_id="unknown")
    verification = PhoneVerification(challenges=(kept, dropped))
    remaining = verification.drop_challenges_without_key(lambda key_id: key_id == "known")
    assert remaining.challenges == (kept,)
    assert remaining.drop_challenges_without_key(lambda key_id: key_id == "known") is remaining
