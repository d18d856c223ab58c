"""Everything that counts expires, and so does the state of a phone in which nothing counts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.otp.attempts import ClientFailures, Failures
from domain.otp.challenge import OTP_TTL, Challenge, MessageChallenges
from domain.otp.delivery import REJECTED_TTL, Channel, Deliveries
from domain.otp.delivery_policy import Rejection
from domain.otp.phone_verification import CallLocale, PhoneVerification, TrustedIp
from tests.support.builders import NOW, a_challenge, a_delivery, a_phone_verification, an_id
from tests.support.full_records import FULL_VERIFICATION
from tests.unit.domain.otp.verification_driver import HOME_IP, WORK_IP, VerificationDriver

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
DELIVERY = PhoneVerification(deliveries=Deliveries((a_delivery(sent_at=NOW),)))
REJECTED = PhoneVerification(
    deliveries=Deliveries((a_delivery(sent_at=NOW).reject("acme", "busy"),))
)
LOGIN = PhoneVerification(trusted_ips=(TrustedIp("hash of an IP", NOW),))
REJECTION = Rejection(at=NOW, channel=Channel.SMS, limit="per_phone")
OF_CLIENT = ClientFailures("hash of an IP", 20, NOW)
FAILED = PhoneVerification(failures=Failures(by_client=(OF_CLIENT,)))
FAILED_BY_STRANGERS_TOO = PhoneVerification(failures=Failures(3, NOW, (OF_CLIENT,)))


# Expiry times


@pytest.mark.parametrize(
    ("state", "age"),
    [
        (PhoneVerification(challenges=MessageChallenges((a_challenge(),))), OTP_TTL),
        (DELIVERY, DAY),
        (REJECTED, REJECTED_TTL),
        (FAILED, 30 * DAY),
        (FAILED_BY_STRANGERS_TOO, 30 * DAY),
        (PhoneVerification(call_locale=CallLocale("es", NOW)), 365 * DAY),
        (PhoneVerification(limit_resets=(NOW,)), DAY),
        (PhoneVerification(rejections=(REJECTION,)), DAY),
    ],
)
def test_everything_is_pruned_at_the_moment_when_it_expires(
    state: PhoneVerification, age: timedelta
) -> None:
    assert state.expires_at == NOW + age
    assert state.prune(NOW + age - MICROSECOND) == state
    assert state.prune(NOW + age) == PhoneVerification()


def test_an_ip_of_a_login_is_pruned_after_90_days() -> None:
    state = replace(LOGIN, identity_id=an_id())
    assert state.prune(NOW + 90 * DAY - MICROSECOND) == state
    assert state.client_ips_expire_at == NOW + 90 * DAY
    assert state.prune(NOW + 90 * DAY).trusted_ips == ()


def test_a_blocked_phone_and_one_with_an_identity_never_expire() -> None:
    blocked, assigned = DELIVERY.block(NOW), DELIVERY.change_owner(an_id())
    assert (blocked.expires_at, assigned.expires_at) == (None, None)
    assert blocked.unblock() == assigned.change_owner(None) == DELIVERY


def test_another_owner_starts_without_what_the_former_one_left() -> None:
    chosen = replace(FULL_VERIFICATION, call_locale=CallLocale("es", NOW), rejections=(REJECTION,))
    kept = replace(
        chosen.map_challenges(Challenge.forget_claims),
        failures=replace(chosen.failures, by_client=()),
        trusted_ips=(),
        call_locale=None,
        rejections=(),
    )
    for owner in (an_id(77), None):
        assert chosen.change_owner(owner) == replace(kept, identity_id=owner)
    by_login = chosen.change_owner(an_id(77), by_login=True)
    assert by_login.trusted_ips == chosen.trusted_ips[-1:]
    # A caller may choose the locale, and be rejected, before joining.
    unowned = replace(chosen, identity_id=None)
    joined = unowned.change_owner(an_id(77))
    assert (joined.call_locale, joined.rejections) == (chosen.call_locale, chosen.rejections)


# Client IPs


def test_the_first_client_ip_or_failure_that_expires_decides(driver: VerificationDriver) -> None:
    assert LOGIN.client_ips_expire_at == NOW + 90 * DAY
    assert replace(DELIVERY, trusted_ips=LOGIN.trusted_ips).client_ips_expire_at == NOW + DAY
    assert FAILED.client_ips_expire_at == NOW + 30 * DAY
    of_number = PhoneVerification(failures=Failures(3, NOW), identity_id=an_id())
    assert of_number.client_ips_expire_at == NOW + 30 * DAY
    driver.deliver(HOME_IP)
    assert driver.verification.client_ips_expire_at == NOW + DAY
    driver.fail(1, WORK_IP)  # the IP of an attempt expires with the code
    assert driver.verification.client_ips_expire_at == NOW + OTP_TTL
    pruned = driver.verification.prune(NOW + OTP_TTL)
    assert pruned.challenges.all == ()


def test_all_client_ips_can_be_dropped_and_the_rest_is_kept() -> None:
    kept = PhoneVerification(failures=Failures(3, NOW), identity_id=an_id(), blocked_at=NOW)
    requested = a_phone_verification()
    full = replace(
        kept,
        challenges=requested.challenges,
        deliveries=requested.deliveries,
        failures=replace(kept.failures, by_client=(OF_CLIENT,)),
        trusted_ips=LOGIN.trusted_ips,
    )
    assert full.drop_client_ips() == kept


# What does not expire


def test_pruning_keeps_all_other_fields() -> None:
    names = "challenges deliveries failures limit_resets trusted_ips call_locale rejections"
    expiring: Any = {name: getattr(PhoneVerification(), name) for name in names.split()}
    pruned = FULL_VERIFICATION.prune(NOW)
    assert replace(pruned, **expiring) == replace(FULL_VERIFICATION, **expiring)
