"""What holds without a setting, and what follows from other settings."""

from datetime import timedelta

import pytest

from domain.otp.sliding_window import SlidingWindow
from entrypoints.settings.declaration import LIMIT_PROFILES
from tests.support.settings import settings

HOUR = timedelta(hours=1)


def test_a_profile_sets_limits_and_those_of_a_day_are_six_hours_worth_and_count_all_only() -> None:
    own = settings(LIMITS="small", SMS_LIMIT_TOTAL="9/1h")
    assert own.sms_limit_total == (SlidingWindow(9, HOUR), None)
    assert own.sms_limit_per_country == settings(LIMITS="small").sms_limit_per_country
    for profile in LIMIT_PROFILES:
        limits = settings(LIMITS=profile).otp_policy(are_messages_reported=True).rate_limits
        for hour, day in (
            (limits.per_country, limits.per_country_and_day),
            (limits.total, limits.total_of_day),
        ):
            assert day == SlidingWindow(6 * hour.limit, 24 * HOUR)


def test_the_default_public_url_is_that_of_the_listening_socket() -> None:
    for bind in ("127.0.0.1:8000", "[::1]:8000", "10.0.0.5:8000"):
        assert settings(BIND=bind).public_url == f"http://{bind}"
    for bind in ("0.0.0.0:8000", "[::]:8000"):
        assert settings(BIND=bind).public_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("variables", "accepted"),
    [
        ({}, ["dialtone"]),
        ({"PUBLIC_URL": "https://a.test/", "FORMER_ISSUERS": "none"}, ["https://a.test"]),
        (
            {"PUBLIC_URL": "https://a.test", "TOKEN_ISSUER": "dialtone"},
            ["dialtone", "https://a.test"],
        ),
        (
            {"PUBLIC_URL": "https://a.test", "FORMER_ISSUERS": "https://b.test"},
            ["https://a.test", "https://b.test"],
        ),
    ],
    ids=str,
)
def test_the_issuer_is_the_public_url_and_both_and_former_ones_are_accepted(
    variables: dict[str, str], accepted: list[str]
) -> None:
    issuers = settings(**variables).token_issuers

    assert (issuers.issuer, list(issuers.accepted_issuers)) == (accepted[0], accepted)
