"""What holds without a setting, and what follows from other settings."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.identities.session import SessionLimits
from domain.identities.username import DEFAULT_APP_NAME
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from entrypoints.settings.declaration import LIMIT_PROFILES
from entrypoints.settings.providers import TERMINAL
from entrypoints.settings.values import Bind, Environment, SqliteLocation
from tests.support.settings import settings

HOUR = timedelta(hours=1)


def test_no_setting_is_required_and_the_defaults_are_those_of_the_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = settings()

    assert (read.env, read.bind) == (Environment.DEVELOPMENT, Bind("127.0.0.1", 8000))
    assert read.database == SqliteLocation(tmp_path / "var/dialtone.db")
    assert (read.secrets_file, read.are_keys_in_file) == (tmp_path / "var/secrets.json", True)
    assert (read.sms, read.countries) == ((TERMINAL,), None)
    assert (read.log_format, read.recycled_after) == ("auto", None)
    assert (read.otp_length, read.app_name) == (DEFAULT_OTP_LENGTH, DEFAULT_APP_NAME)
    assert read.identities_policy().session_limits == SessionLimits()
    assert read.otp_policy(are_messages_reported=True).rate_limits == RateLimits()


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


@pytest.mark.parametrize(
    ("countries", "region", "expected"),
    [("in", "", "IN"), ("IN", "US", "US"), ("IN,US", "", None), ("*", "", None), ("", "", None)],
)
def test_the_only_country_is_the_default_region(
    countries: str, region: str, expected: str | None
) -> None:
    assert settings(COUNTRIES=countries, DEFAULT_REGION=region).default_region == expected
