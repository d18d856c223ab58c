"""Client IPs are forgotten on time: when the first of them expires, and all of them on demand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.otp.phone_verification import PhoneVerification, TrustedIp
from tests.support.builders import NOW, a_delivery, a_phone_verification, an_id

DAY = timedelta(days=1)
DELIVERY = a_delivery(sent_at=NOW)
LOGIN = TrustedIp("hash of an IP", NOW)


@pytest.mark.parametrize(
    ("verification", "age"),
    [
        (PhoneVerification(deliveries=(DELIVERY,)), DAY),
        (PhoneVerification(trusted_ips=(LOGIN,)), 90 * DAY),
        (PhoneVerification(deliveries=(DELIVERY,), trusted_ips=(LOGIN,)), DAY),
    ],
)
def test_the_first_client_ip_that_expires_decides(
    verification: PhoneVerification, age: timedelta
) -> None:
    assert verification.client_ips_expire_at == NOW + age


def test_without_client_ips_nothing_expires() -> None:
    assert PhoneVerification(shared_attempts=(NOW,)).client_ips_expire_at is None


def test_all_client_ips_can_be_dropped_and_the_rest_is_kept() -> None:
    kept = PhoneVerification(shared_attempts=(NOW,), identity_id=an_id(), blocked_at=NOW)
    full = replace(
        kept,
        challenges=a_phone_verification().challenges,
        deliveries=(DELIVERY,),
        trusted_ips=(LOGIN,),
    )
    assert full.challenges
    assert full.drop_client_ips() == kept


@pytest.mark.parametrize(
    ("full", "age"),
    [
        (PhoneVerification(deliveries=(DELIVERY,)), DAY),
        (PhoneVerification(trusted_ips=(LOGIN,)), 90 * DAY),
    ],
)
def test_a_client_ip_is_pruned_at_the_moment_when_it_expires(
    full: PhoneVerification, age: timedelta
) -> None:
    assert full.prune(NOW + age) == PhoneVerification()
    assert full.prune(NOW + age - timedelta(microseconds=1)) != PhoneVerification()
