"""Attempts of one IP at a phone that has no active code: five an hour, repeats aside."""

from datetime import timedelta

from domain.otp.unchallenged_attempts import UnchallengedAttempts
from tests.support.builders import NOW

HOUR = timedelta(hours=1)


def test_an_ip_has_five_attempts_in_any_hour() -> None:
    attempts = UnchallengedAttempts("an-ip:a-phone")
    for minutes in range(5):
        assert attempts.left(NOW + timedelta(minutes=minutes)) == 5 - minutes
        attempts = attempts.count(f"digest {minutes}", NOW + timedelta(minutes=minutes))
    now = NOW + timedelta(minutes=4)
    assert (attempts.left(now), attempts.available_at(now)) == (0, NOW + HOUR)
    assert (attempts.left(NOW + HOUR), attempts.available_at(NOW + HOUR)) == (1, NOW + HOUR)


def test_only_the_latest_code_within_ten_seconds_is_a_repeat() -> None:
    attempts = UnchallengedAttempts("an-ip:a-phone").count("one", NOW)
    assert attempts.is_repeat("one", NOW + timedelta(seconds=9.999))
    assert not attempts.is_repeat("one", NOW + timedelta(seconds=10))
    assert not attempts.is_repeat("two", NOW)
    later = attempts.count("two", NOW + timedelta(seconds=1))
    assert not later.is_repeat("one", NOW + timedelta(seconds=2))
