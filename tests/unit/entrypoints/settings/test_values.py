"""Each setting by itself: defaults, valid values, invalid values."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import pytest

from domain.countries import ALL_COUNTRIES
from domain.errors import ReservedName
from domain.identities.session import SessionLimits
from domain.identities.username import DEFAULT_APP_NAME
from domain.otp.challenge import DEFAULT_OTP_LENGTH, OtpCode
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import parse_phone
from entrypoints.opening.providers import TERMINAL
from entrypoints.settings.bind import Bind
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.declaration import LIMIT_PROFILES
from entrypoints.settings.values import (
    Environment,
    MongoLocation,
    PostgresLocation,
    Secret,
    SqliteLocation,
)
from tests.support.settings import problem, settings
from tests.unit.entrypoints.settings.texts import of_installed

HOUR = timedelta(hours=1)
CODE = OtpCode("123456")
TEST_PHONE = parse_phone("+15005550006", rules=None)
OTHER_PHONE = parse_phone("+14155552671")


@pytest.fixture(autouse=True)
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_setting_is_required_and_the_defaults_are_those_of_the_domain(
    current_folder: Path,
) -> None:
    read = settings()

    assert (read.env, read.bind) == (Environment.DEVELOPMENT, Bind("127.0.0.1", 8000))
    assert read.database == SqliteLocation(current_folder / "var/dialtone.db")
    assert read.secrets_file == current_folder / "var/secrets.json"
    assert (read.sms, read.countries) == ((TERMINAL,), None)
    assert isinstance(read.env, Environment)
    assert read.log_format == "auto"
    assert read.otp_length == DEFAULT_OTP_LENGTH
    assert read.app_name == DEFAULT_APP_NAME
    assert SessionLimits() == SessionLimits(
        max_age=read.session_max_age,
        idle_timeout=read.session_idle_timeout,
        plain_token_ttl=read.plain_token_ttl,
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    of_installed(
        [
            ("ENV", "Development", Environment.DEVELOPMENT),
            ("DATABASE", "sqlite:////srv/a b.db", SqliteLocation(Path("/srv/a b.db"))),
            ("PUBLIC_URL", "https://dial.test/", "https://dial.test"),
            (
                "WEB_ORIGINS",
                "HTTPS://App.test:443, https://app.test:8443,https://[2001:DB8::0:1]",
                ("https://app.test", "https://app.test:8443", "https://[2001:db8::1]"),
            ),
            (
                "WEB_ORIGINS",
                "http://127.0.0.1:80,http://[::1]:5173,http://a.localhost",
                ("http://127.0.0.1", "http://[::1]:5173", "http://a.localhost"),
            ),
            (
                "WEB_ORIGINS",
                "capacitor://localhost,Ionic://localhost,tauri://localhost",
                ("capacitor://localhost", "ionic://localhost", "tauri://localhost"),
            ),
            ("FORMER_ISSUERS", "dialtone, https://a.test", ("dialtone", "https://a.test")),
            ("ANDROID_HASH", "FA+9qCX9VSu, 01234567/9a", ("FA+9qCX9VSu", "01234567/9a")),
            ("WEB_DOMAIN", "Login.Example.org", "login.example.org"),
            ("SMS_TEMPLATES_DIR", "/etc/dialtone/t/", Path("/etc/dialtone/t")),
            ("OPERATOR", "+18005550123", parse_phone("+18005550123", rules=None)),
            ("COUNTRIES", "IN, us", frozenset({"IN", "US"})),
            ("COUNTRIES", "*", ALL_COUNTRIES),
            (
                "TRUSTED_PROXIES",
                "10.0.0.0/8, 192.168.1.5,fd00::/8",
                tuple(map(ip_network, ("10.0.0.0/8", "192.168.1.5", "fd00::/8"))),
            ),
            ("SINGLE_HOST", "YES", True),
            ("CLEANUP_INTERVAL", "Off", None),
            ("MAX_UPLOAD_SIZE", "5 MiB", 5 * 1024 * 1024),
            (
                "TEST_OTPS",
                "+15005550006=123456@2027-01-01",
                Secret(TestOtps((TestOtp(TEST_PHONE, CODE, datetime(2027, 1, 2, tzinfo=UTC)),))),
            ),
            (
                "TEST_OTPS",
                "+15005550006=123456, +1 415 555 2671 = 123456",
                Secret(TestOtps((TestOtp(TEST_PHONE, CODE), TestOtp(OTHER_PHONE, CODE)))),
            ),
        ]
    ),
)
def test_a_valid_value_is_parsed(name: str, text: str, value: Any) -> None:
    field = FIELDS[f"DIALTONE_{name}"].field

    for spaces in ("", "  "):
        assert getattr(settings(**{name: f"{spaces}{text}{spaces}"}), field) == value


def test_a_number_is_whole_and_in_a_range() -> None:
    for number in (1, 256):
        assert settings(WORKERS=str(number)).workers == number
    for text in ("0", "257", "+1", "4.0", "1_000", "1e3", "\u0664", "many"):
        assert problem(WORKERS=text).startswith("DIALTONE_WORKERS: ")


def test_a_duration_has_a_unit_and_is_in_a_range() -> None:
    for text, hours in (("1h", 1), ("60m", 1), ("3600s", 1), ("3650D", 24 * 3650)):
        assert settings(SESSION_MAX_AGE=text).session_max_age == hours * HOUR
    for text in ("59m", "3651d", "off", "90", "1.5h", "-1d", "d", "90 d", "\u0669\u0660d", "1w"):
        assert problem(SESSION_MAX_AGE=text).startswith("DIALTONE_SESSION_MAX_AGE: ")


def test_a_rate_limit_is_a_count_and_a_period() -> None:
    read = settings(SMS_LIMIT_PER_IP=" 5000 / 90m ")
    assert read.sms_limit_per_ip == SlidingWindow(5_000, 1.5 * HOUR)
    for text in ("5", "5/", "/1h", "0/1h", "5001/1h", "5/2d", "5/30s", "five/1h", "5/1h,9/1d"):
        assert problem(SMS_LIMIT_PER_IP=text).startswith("DIALTONE_SMS_LIMIT_PER_IP: ")


def test_limits_of_a_country_and_in_total_may_have_a_day() -> None:
    for name in ("PER_COUNTRY", "TOTAL"):
        for text, day in (("7/2h, 9/1d", SlidingWindow(9, 24 * HOUR)), ("7/2h", None)):
            read = settings(**{f"SMS_LIMIT_{name}": text})
            assert getattr(read, f"sms_limit_{name.lower()}") == (SlidingWindow(7, 2 * HOUR), day)
        for text in ("7/1h,", ",9/1d", "9/1d,7/1h", "7/1h,9/2h", "7/1d,9/1d", "7/1h,9/1d,9/1d"):
            assert problem(**{f"SMS_LIMIT_{name}": text}).startswith(f"DIALTONE_SMS_LIMIT_{name}: ")


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


def test_the_default_limits_are_those_of_the_domain() -> None:
    assert settings().otp_policy(are_messages_reported=True).rate_limits == RateLimits()


def test_the_name_of_the_app_is_no_username() -> None:
    read = settings(APP_NAME="Chess Club")
    for policy in (read.identities_policy(), read.http_identities()):
        with pytest.raises(ReservedName):
            policy.username_rules.check("CHESSCLUB")


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


def test_metrics_have_a_port_of_their_own() -> None:
    for bind in ("127.0.0.1:8000", "0.0.0.0:8000"):
        assert problem(METRICS_BIND=bind).startswith("DIALTONE_METRICS_BIND: ")


def test_the_error_says_which_country_was_meant() -> None:
    for text, meant in (("uk", "GB"), ("EL", "GR")):
        line = problem(COUNTRIES=text)
        assert f" Did you mean {meant}? Example: DIALTONE_COUNTRIES=" in line
    assert "Did you mean" not in problem(COUNTRIES="XX")
    line = problem(COUNTRIES="uk,IN,USA,XX")
    assert [f"Value {position}: " in line for position in range(1, 5)] == [True, False, True, True]
    assert "Did you mean GB?" in problem(DEFAULT_REGION="UK")


VALID_URLS: Final = {
    MongoLocation: [
        "mongodb://my_container:27017,[::1]:3,10.0.0.1/Dialtone_2-test?replicaSet=rs0",
        "mongodb://user:%3A%2F%3f%23%40%25$!+@db.test/dialtone?",
        "mongodb://user:password@%2Frun%2Fa%20b.sock,db.test/administration",
        f"mongodb+srv://cluster/l%C3%A4ut{'n' * 58}?appName=dialtone",
    ],
    PostgresLocation: [
        "postgresql:///dialtone",
        "postgresql://dialtone@%2Frun%2Fpostgresql/dialtone",
        "postgresql://user:password@db1.test:5432,db2.test/dialtone?sslmode=verify-full&timeout=2",
        "postgresql://user:%3A%2F%3f%23%40%25$!+@[::1]:5432/l%C3%A4ut?pool_size=20",
    ],
}


@pytest.mark.parametrize("location", VALID_URLS)
def test_a_valid_url_of_a_server_is_kept_as_written(location: type[Any]) -> None:
    for url in VALID_URLS[location]:
        read = settings(DATABASE=f" {url} ")
        assert location(url) == read.database
        assert url not in repr(read)


INVALID_URLS: Final = {
    "are written %3A %2F %3F %23 %40 %25": [
        "mongodb://me:top:s3cret@db.test/name", "mongodb://me:top@s3cret@db.test/name",
        "mongodb://me:12/tops3cret@db.test", "mongodb://me:top?s3cret@db.test/name",
        "mongodb://me:top#s3cret@db.test/name", "mongodb://me:tops3cret%@db.test/name",
        "mongodb://:tops3cret@db.test/name", "mongodb://db.test/name?appName=top@s3cret",
    ],
    "Must be mongodb://host:port/name": [
        "mongodb:///name", "mongodb://a b/name", "mongodb://a:b/name", "mongodb://a/name?tls",
    ],
    "with one host and no port, mongodb+srv://": ["mongodb+srv:///name"],
    "must name the database": [
        "mongodb://db.test", "mongodb://db.test/?authSource=admin",
        "postgresql://db.test", "postgresql:///", "postgresql://?dbname=name",
    ],
    "The name of the database": [
        f"mongodb://db.test/{name}" for name in ("a$b", "a+b", "a%2Fb", "a%00b", "n" * 64, "Admin")
    ],
    "Must be postgresql://host:port/name": [
        "postgresql://a b/name", "postgresql://h/name?sslmode", "postgresql://h/name#s3cret",
        "postgresql://h/name/s3cret", "postgresql://me:top@s3cret@h/name",
        "postgresql://me:top%s3cret@h/name", "postgresql://h/name?application_name=t@s3cret",
    ],
    "Must be sqlite:///path": ["MONGODB://db.test/name", "mongodb:/db.test/name", "postgres://h/n"],
}  # fmt: skip


@pytest.mark.parametrize("message", INVALID_URLS)
def test_the_error_says_what_is_wrong_with_a_url_and_does_not_quote_it(message: str) -> None:
    for url in INVALID_URLS[message]:
        line = problem(DATABASE=url)
        assert message in line, url
        assert "s3cret" not in line
