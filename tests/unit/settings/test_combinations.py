"""Settings that depend on each other, and what production rejects."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from entrypoints.settings import read_settings
from entrypoints.settings.checks import all_end_within_a_year
from entrypoints.settings.parsers import parse_test_otps
from entrypoints.settings.values import (
    Environment,
    Factory,
    MongoDatabase,
    S3Bucket,
    SmsProvider,
)
from tests.support.settings import problem, problems, settings

HEX = "0123456789abcdefABCDEF0123456789"
S3 = {
    "DIALTONE_MEDIA": "s3://images",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "a/secret+key=",
}
TWILIO = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN,US",
    "TWILIO_ACCOUNT_SID": f"AC{HEX}",
    "TWILIO_AUTH_TOKEN": "a token: of theirs",
    "TWILIO_FROM": "+15005550006",
}
SERVICE = "TWILIO_MESSAGING_SERVICE_SID"


def test_a_bucket_is_on_amazon_unless_an_endpoint_is_set() -> None:
    amazon = read_settings(S3, None)
    other = read_settings(
        S3 | {"DIALTONE_S3_ENDPOINT": "http://127.0.0.1:8333/", "AWS_REGION": "auto"}, None
    )

    assert amazon.media == S3Bucket("images", "")
    assert (amazon.s3_endpoint, amazon.aws_region) == (None, "us-east-1")
    assert (other.s3_endpoint, other.aws_region) == ("http://127.0.0.1:8333", "auto")
    for read in (amazon, other):
        assert read.aws_access_key_id == "AKIAIOSFODNN7EXAMPLE"
        assert read.aws_secret_access_key.get_secret_value() == "a/secret+key="


def test_a_bucket_needs_an_access_key() -> None:
    lines = problems({"DIALTONE_MEDIA": "s3://images", "AWS_ACCESS_KEY_ID": " "})

    assert list(lines) == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    for name, line in lines.items():
        assert line.startswith(f"{name}: Must be set if DIALTONE_MEDIA is an s3:// URL")
        assert f" Example: {name}=" in line


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("AWS_ACCESS_KEY_ID", ["tops3cret x", "tops3cret/", "tops3cret,", "tops3cret=", "ä"]),
        ("AWS_SECRET_ACCESS_KEY", ["tops3cret\x1b[2J"]),
        (
            "AWS_REGION",
            ["tops3cret!", "eu west", "-eu", "eu-", "1", "eu.west", "eu/west", "e" * 64],
        ),
    ],
)
def test_an_invalid_aws_variable_is_an_error_if_a_bucket_uses_it(
    name: str, texts: list[str]
) -> None:
    for text in texts:
        lines = problems(S3 | {name: text})

        assert list(lines) == [name]
        assert "tops3cret" not in lines[name]


@pytest.mark.parametrize("media", ["", "file:images", "my.package:factory"])
def test_aws_variables_are_not_read_without_a_bucket(media: str) -> None:
    shell = {"AWS_ACCESS_KEY_ID": "a/b", "AWS_SECRET_ACCESS_KEY": "\x07", "AWS_REGION": "?"}
    environ = {"DIALTONE_MEDIA": media}

    assert read_settings(environ | shell, None) == read_settings(environ, None)


def test_an_endpoint_is_checked_without_a_bucket_too() -> None:
    read = settings(S3_ENDPOINT="http://s3.test", MEDIA="file:///srv")

    assert read.media == settings(MEDIA="file:///srv").media
    assert "Must be a URL with http" in problem(S3_ENDPOINT="s3.test")


@pytest.mark.parametrize(
    ("environ", "caller_id"),
    [
        ({}, "+15005550006"),
        ({"TWILIO_FROM": "Acme"}, ""),
        ({"TWILIO_FROM": "12345"}, ""),
        ({"TWILIO_FROM": "", SERVICE: f"MG{HEX}"}, ""),
        ({"TWILIO_FROM": "Acme", "TWILIO_VOICE_FROM": "+14155550001"}, "+14155550001"),
        ({"TWILIO_VOICE_FROM": "+14155550001"}, "+14155550001"),
    ],
)
def test_calls_come_from_a_number(environ: dict[str, str], caller_id: str) -> None:
    assert read_settings(TWILIO | environ, None).twilio_caller_id == caller_id


@pytest.mark.parametrize(
    ("environ", "has_phone_line", "has_voice_channel"),
    [
        (TWILIO, True, True),
        (TWILIO | {"TWILIO_FROM": "Acme"}, False, False),
        (TWILIO | {"TWILIO_FROM": "Acme", "DIALTONE_SMS": "twilio,console"}, False, False),
        (TWILIO | {"TWILIO_FROM": "Acme", "DIALTONE_SMS": "console,twilio"}, False, True),
        ({}, False, True),
        ({"DIALTONE_SMS": "our.own:factory", "DIALTONE_COUNTRIES": "IN"}, False, False),
    ],
)
def test_calls_need_twilio_with_a_number_or_the_console(
    environ: dict[str, str], *, has_phone_line: bool, has_voice_channel: bool
) -> None:
    read = read_settings(environ, None)

    assert (read.has_phone_line, read.has_voice_channel) == (has_phone_line, has_voice_channel)


def test_the_phone_line_needs_a_public_url() -> None:
    environ = {name: text for name, text in TWILIO.items() if name != "DIALTONE_PUBLIC_URL"}

    lines = problems(environ)

    assert list(lines) == ["DIALTONE_PUBLIC_URL"]
    assert "Must be set if Twilio has a number to call from" in lines["DIALTONE_PUBLIC_URL"]
    assert not read_settings(environ | {"TWILIO_FROM": "Acme"}, None).has_phone_line


def test_recordings_are_not_kept_longer_than_calls() -> None:
    line = problem(CALL_RETENTION="7d")

    assert line.startswith("DIALTONE_RECORDING_RETENTION: Must not be longer than")
    assert settings(CALL_RETENTION="7d", RECORDING_RETENTION="7d").call_retention.days == 7


@pytest.mark.parametrize("number", ["Acme", "12345", "4155550001", "+0", "+1 415 555 0001"])
def test_a_call_from_anything_else_is_an_error(number: str) -> None:
    assert list(problems(TWILIO | {"TWILIO_VOICE_FROM": number})) == ["TWILIO_VOICE_FROM"]


def test_twilio_delivers_from_a_number_or_by_a_messaging_service() -> None:
    number = read_settings(TWILIO, None)
    service = read_settings(
        TWILIO | {"TWILIO_FROM": "", SERVICE: f"MG{HEX}", "TWILIO_API_BASE": "http://fake.test/"},
        None,
    )

    for read in (number, service):
        assert read.sms == (SmsProvider.TWILIO,)
        assert read.twilio_account_sid == f"AC{HEX}"
        assert read.twilio_auth_token.get_secret_value() == "a token: of theirs"
    assert (number.twilio_from, number.twilio_messaging_service_sid) == ("+15005550006", "")
    assert (service.twilio_from, service.twilio_messaging_service_sid) == ("", f"MG{HEX}")
    assert (number.twilio_api_base, service.twilio_api_base) == (None, "http://fake.test")


@pytest.mark.parametrize("number", ["+12", "12", "ACME Läut", "Twelve chars", "555-0006", "+ 1-2"])
def test_an_invalid_twilio_number_is_an_error(number: str) -> None:
    lines = problems(TWILIO | {"TWILIO_FROM": number})

    assert list(lines) == ["TWILIO_FROM"]
    assert number not in lines["TWILIO_FROM"]


@pytest.mark.parametrize("number", ["+911234567890", "55512", "Acme", "MGM&Co _1+-", "1st Bank"])
def test_a_twilio_number_can_be_a_short_code_or_a_name(number: str) -> None:
    assert read_settings(TWILIO | {"TWILIO_FROM": number}, None).twilio_from == number


def test_twilio_needs_an_account_a_number_and_countries() -> None:
    lines = problems({"DIALTONE_SMS": "Twilio", "TWILIO_FROM": " "})

    assert list(lines) == [
        "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "DIALTONE_COUNTRIES",
    ]  # fmt: skip
    for name, line in lines.items():
        assert "ust be set if" in line
        assert f" Example: {name}=" in line
    assert SERVICE in lines["TWILIO_FROM"]


def test_a_twilio_number_and_a_messaging_service_exclude_each_other() -> None:
    both = TWILIO | {SERVICE: f"MG{HEX}"}

    for environ in (both, both | {"TWILIO_FROM": "no sender"}, both | {SERVICE: f"AC{HEX}"}):
        lines = problems(environ)

        assert list(lines) == ["TWILIO_FROM", SERVICE]
        assert any("Must not be set together with" in line for line in lines.values())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TWILIO_ACCOUNT_SID", f"SK{HEX}"),
        ("TWILIO_ACCOUNT_SID", f"AC{HEX}0"),
        ("TWILIO_ACCOUNT_SID", "tops3cret"),
        ("TWILIO_AUTH_TOKEN", "tops3cret\x00"),
        ("TWILIO_API_BASE", "https://me:tops3cret@api.test"),
        ("TWILIO_API_BASE", "tops3cret.test"),
    ],
)
def test_an_invalid_twilio_variable_is_an_error_that_does_not_quote_it(
    name: str, text: str
) -> None:
    lines = problems(TWILIO | {name: text})

    assert list(lines) == [name]
    assert text not in lines[name]
    assert "tops3cret" not in lines[name]


def test_an_invalid_messaging_service_causes_one_error() -> None:
    assert list(problems(TWILIO | {"TWILIO_FROM": "", SERVICE: f"AC{HEX}"})) == [SERVICE]


@pytest.mark.parametrize("sms", ["", "console", "my.package:factory"])
def test_twilio_variables_are_not_read_without_twilio(sms: str) -> None:
    shell = {name: "\x1b?" for name in TWILIO if name.startswith("TWILIO")}
    shell |= {SERVICE: "?", "TWILIO_API_BASE": "ftp://x"}
    environ = {"DIALTONE_SMS": sms, "DIALTONE_COUNTRIES": "IN"}

    assert read_settings(environ | shell, None) == read_settings(environ, None)


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("sms", ["twilio", "my.package:factory", "console,my.package:factory"])
def test_a_provider_that_costs_money_needs_countries(environment: str, sms: str) -> None:
    environ = TWILIO | {"DIALTONE_ENV": environment, "DIALTONE_SMS": sms, "DIALTONE_COUNTRIES": ""}

    assert "costs money" in problems(environ)["DIALTONE_COUNTRIES"]


def test_development_can_deliver_to_all_countries() -> None:
    environ = {"DIALTONE_COUNTRIES": "*", "DIALTONE_SMS": "my.package:factory"}

    assert read_settings(environ, None).sms == (Factory("my.package:factory"),)


@pytest.mark.parametrize(
    ("countries", "region", "expected"),
    [
        ("in", "", "IN"),
        ("IN", "US", "US"),
        ("IN,US", "", None),
        ("*", "", None),
        ("", "", None),
        ("XX", "", None),
    ],
)
def test_the_only_country_is_the_default_region(
    countries: str, region: str, expected: str | None
) -> None:
    environ = {"DIALTONE_COUNTRIES": countries, "DIALTONE_DEFAULT_REGION": region}
    if countries == "XX":
        assert list(problems(environ)) == ["DIALTONE_COUNTRIES"]
    else:
        assert read_settings(environ, None).default_region == expected


def test_an_invalid_country_causes_one_error() -> None:
    lines = problems(TWILIO | {"DIALTONE_COUNTRIES": "XX"})

    assert list(lines) == ["DIALTONE_COUNTRIES"]
    assert "ISO code" in lines["DIALTONE_COUNTRIES"]


def test_providers_are_tried_in_the_order_of_the_setting() -> None:
    environ = TWILIO | {"DIALTONE_SMS": "my.package:factory , Twilio,console"}

    read = read_settings(environ, None)

    assert read.sms == (Factory("my.package:factory"), SmsProvider.TWILIO, SmsProvider.CONSOLE)
    assert read.twilio_account_sid == f"AC{HEX}"


def test_a_provider_can_be_named_once_only() -> None:
    assert "each provider once" in problems({"DIALTONE_SMS": "console,Console"})["DIALTONE_SMS"]


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """Valid settings for production."""
    secrets = tmp_path / "secrets.json"
    secrets.touch()
    return {
        "DIALTONE_ENV": "production",
        "DIALTONE_PUBLIC_URL": "https://dialtone.test",
        "DIALTONE_SECRETS_FILE": str(secrets),
        "DIALTONE_COUNTRIES": "IN,US",
        "DIALTONE_DATABASE": "mongodb://user:password@db.test/dialtone",
        "DIALTONE_MEDIA": "s3://images",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "DIALTONE_SMS": "twilio",
        "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
        "TWILIO_AUTH_TOKEN": "a secret",
        "TWILIO_FROM": "+15005550006",
        "DIALTONE_TRUSTED_PROXIES": "10.0.0.0/8",
    }


def test_production_accepts_mongodb_a_bucket_and_twilio(production: dict[str, str]) -> None:
    read = read_settings(production, None)

    assert read.env is Environment.PRODUCTION
    assert read.secrets_file.exists()
    assert isinstance(read.database, MongoDatabase)
    assert isinstance(read.media, S3Bucket)
    assert read.sms == (SmsProvider.TWILIO,)


def test_only_production_has_a_stop_delay_by_default(production: dict[str, str]) -> None:
    assert settings().stop_delay_seconds == 0
    assert read_settings(production, None).stop_delay_seconds == 5
    configured = read_settings(production | {"DIALTONE_STOP_DELAY": "7s"}, None)
    assert configured.stop_delay_seconds == 7


def test_production_accepts_own_adapters(production: dict[str, str]) -> None:
    own = dict.fromkeys(("DIALTONE_DATABASE", "DIALTONE_MEDIA", "DIALTONE_SMS"), "our.own:factory")

    read = read_settings(production | own, None)

    assert read.database == read.media == read.sms[0] == Factory("our.own:factory")


def test_production_rejects_the_console(production: dict[str, str]) -> None:
    for sms in ("", "console"):
        lines = problems(production | {"DIALTONE_SMS": sms})

        assert list(lines) == ["DIALTONE_SMS"]
        assert "Must be twilio or package.module:factory" in lines["DIALTONE_SMS"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DIALTONE_PUBLIC_URL", ""),
        ("DIALTONE_PUBLIC_URL", "http://dialtone.test"),
        ("DIALTONE_SECRETS_FILE", ""),
        ("DIALTONE_SECRETS_FILE", "/nowhere/secrets.json"),
        ("DIALTONE_SECRETS_FILE", "/"),
        ("DIALTONE_COUNTRIES", ""),
        ("DIALTONE_COUNTRIES", "*"),
    ],
)
def test_production_rejects_a_missing_or_unsafe_value(
    production: dict[str, str], name: str, text: str
) -> None:
    assert set(problems(production | {name: text})) == {name}


@pytest.mark.parametrize("text", ["", " "])
def test_production_needs_to_know_its_proxies(production: dict[str, str], text: str) -> None:
    (line,) = problems(production | {"DIALTONE_TRUSTED_PROXIES": text}).values()

    assert line.startswith("DIALTONE_TRUSTED_PROXIES: Must be set in production")
    assert "none" in line
    assert " Example: DIALTONE_TRUSTED_PROXIES=" in line


def test_production_accepts_that_there_is_no_proxy(production: dict[str, str]) -> None:
    read = read_settings(production | {"DIALTONE_TRUSTED_PROXIES": "none"}, None)

    assert read.trusted_proxies == ()


def test_production_accepts_sqlite_and_disk_on_a_single_host_only(
    production: dict[str, str],
) -> None:
    production |= {"DIALTONE_DATABASE": "", "DIALTONE_MEDIA": ""}

    for single_host in ("", "no"):
        lines = problems(production | {"DIALTONE_SINGLE_HOST": single_host})

        assert set(lines) == {"DIALTONE_DATABASE", "DIALTONE_MEDIA"}
        assert all("DIALTONE_SINGLE_HOST=yes" in line for line in lines.values())
    assert read_settings(production | {"DIALTONE_SINGLE_HOST": "yes"}, None).is_single_host


def test_the_scheme_https_can_be_upper_case(production: dict[str, str]) -> None:
    read = read_settings(production | {"DIALTONE_PUBLIC_URL": "HTTPS://dialtone.test"}, None)

    assert read.public_url == "https://dialtone.test"


def test_production_reports_all_problems_at_once() -> None:
    lines = problems(
        {
            "DIALTONE_ENV": "production",
            "DIALTONE_BIND": "here",
            "DIALTONE_WORKERS": "0",
            "DIALTONE_MEDIA_URL_VARIANT": "led",
        }
    )

    assert list(lines) == [
        "DIALTONE_BIND",
        "DIALTONE_PUBLIC_URL",
        "DIALTONE_DATABASE",
        "DIALTONE_MEDIA",
        "DIALTONE_SECRETS_FILE",
        "DIALTONE_SMS",
        "DIALTONE_COUNTRIES",
        "DIALTONE_TRUSTED_PROXIES",
        "DIALTONE_WORKERS",
        "DIALTONE_MEDIA_URL_VARIANT",
    ]


def test_an_invalid_variable_causes_one_error_in_production(production: dict[str, str]) -> None:
    lines = problems(
        production
        | {
            "DIALTONE_PUBLIC_URL": "dialtone.test",
            "DIALTONE_DATABASE": "mongodb://db.test",
            "DIALTONE_MEDIA": "s3://",
            "DIALTONE_SMS": "twilio,console",
        }
    )

    assert list(lines) == [
        "DIALTONE_PUBLIC_URL", "DIALTONE_DATABASE", "DIALTONE_MEDIA", "DIALTONE_SMS",
    ]  # fmt: skip
    assert "Must be a URL" in lines["DIALTONE_PUBLIC_URL"]


def test_development_accepts_a_missing_secrets_file() -> None:
    read = read_settings({"DIALTONE_SECRETS_FILE": "/nowhere/secrets.json"}, None)

    assert read.secrets_file == Path("/nowhere/secrets.json")


LOOPBACK_URLS = [
    "http://localhost:9000",
    "http://LOCALHOST.",
    "http://api.localhost",
    "http://127.0.0.1",
    "http://127.8.8.8:80",
    "http://[::1]:9000",
    "http://[::ffff:127.0.0.1]",
]
PRIVATE_URLS = [
    "http://s3:8333",
    "http://my_bucket-server",
    "http://s3.default.svc:80",
    "http://s3.default.svc.cluster.local",
    "http://s3.corp.internal/path",
    "http://10.1.2.3:9000",
    "http://172.16.0.9",
    "http://192.168.1.5",
    "http://100.64.0.7",
    "http://[fd00::5]:9000",
]
PUBLIC_URLS = [
    "http://s3.example.org",
    "http://example.org.",
    "http://localhost.example.org",
    "http://internal.example.org",
    "http://8.8.8.8",
    "http://[2606:4700::1111]",
    "http://[::ffff:8.8.8.8]",
    "http://134744072",
    "http://0x08080808",
    "HTTP://S3.EXAMPLE.ORG",
]


@pytest.mark.parametrize("url", [*LOOPBACK_URLS, "https://api.example.org", "https://proxy"])
def test_production_calls_twilio_over_https_or_on_this_machine(
    production: dict[str, str], url: str
) -> None:
    assert read_settings(production | {"TWILIO_API_BASE": url}, None).twilio_api_base == url


@pytest.mark.parametrize("url", [*PRIVATE_URLS, *PUBLIC_URLS])
def test_production_rejects_plain_http_to_twilio(production: dict[str, str], url: str) -> None:
    lines = problems(production | {"TWILIO_API_BASE": url})

    assert list(lines) == ["TWILIO_API_BASE"]
    assert "https" in lines["TWILIO_API_BASE"]


@pytest.mark.parametrize("url", [*LOOPBACK_URLS, *PRIVATE_URLS, "https://s3.example.org"])
def test_production_accepts_plain_http_to_s3_in_a_private_network(
    production: dict[str, str], url: str
) -> None:
    assert read_settings(
        production | {"DIALTONE_S3_ENDPOINT": url}, None
    ).s3_endpoint == url.rstrip("/")


@pytest.mark.parametrize("url", PUBLIC_URLS)
def test_production_rejects_plain_http_to_s3_in_a_public_network(
    production: dict[str, str], url: str
) -> None:
    lines = problems(production | {"DIALTONE_S3_ENDPOINT": url})

    assert list(lines) == ["DIALTONE_S3_ENDPOINT"]
    assert "https" in lines["DIALTONE_S3_ENDPOINT"]


def test_plain_http_is_accepted_if_it_is_not_used(production: dict[str, str]) -> None:
    public = dict.fromkeys(("TWILIO_API_BASE", "DIALTONE_S3_ENDPOINT"), PUBLIC_URLS[0])
    own = dict.fromkeys(("DIALTONE_MEDIA", "DIALTONE_SMS"), "our.own:factory")

    development = {"DIALTONE_ENV": "development"}

    assert read_settings(production | public | own, None).env is Environment.PRODUCTION
    assert read_settings(production | public | development, None).env is Environment.DEVELOPMENT


def test_the_temporary_files_have_space_for_two_large_uploads_per_worker() -> None:
    environ = {"DIALTONE_WORKERS": "2", "DIALTONE_MAX_UPLOAD_SIZE": "10MB"}

    lines = problems(environ | {"DIALTONE_UPLOAD_SPOOL_SIZE": "39MB"})

    assert list(lines) == ["DIALTONE_UPLOAD_SPOOL_SIZE"]
    assert "twice DIALTONE_MAX_UPLOAD_SIZE" in lines["DIALTONE_UPLOAD_SPOOL_SIZE"]
    read = read_settings(environ | {"DIALTONE_UPLOAD_SPOOL_SIZE": "40MB"}, None)
    assert read.max_spooled_bytes == 20_000_000


@pytest.mark.parametrize("last_day", ["", "@{too_late}"])
def test_production_rejects_test_otps_without_a_last_day_within_a_year(
    production: dict[str, str], last_day: str
) -> None:
    too_late = date.today() + timedelta(days=370)  # noqa: DTZ011 - some days after the limit
    test_otps = "+15005550006=123456" + last_day.format(too_late=too_late)

    lines = problems(production | {"DIALTONE_TEST_OTPS": test_otps})

    assert list(lines) == ["DIALTONE_TEST_OTPS"]
    assert "a last day" in lines["DIALTONE_TEST_OTPS"]


def test_production_accepts_test_otps_that_end_within_a_year(
    production: dict[str, str],
) -> None:
    soon = date.today() + timedelta(days=360)  # noqa: DTZ011 - some days before the limit
    for last_day in (soon, "2020-01-01"):
        environ = production | {"DIALTONE_TEST_OTPS": f"+15005550006=123456@{last_day}"}

        assert read_settings(environ, None).env is Environment.PRODUCTION


@pytest.mark.parametrize(
    ("today", "last", "too_late"),
    [
        (date(2026, 11, 20), "2027-11-20", "2027-11-21"),
        (date(2027, 11, 20), "2028-11-20", "2028-11-21"),
        (date(2028, 2, 28), "2029-02-28", "2029-03-01"),
        (date(2028, 2, 29), "2029-03-01", "2029-03-02"),
    ],
)
def test_a_year_ends_on_the_same_date_of_the_next_year(
    today: date, last: str, too_late: str
) -> None:
    within = parse_test_otps(f"+15005550006=123456@{last}")
    beyond = parse_test_otps(f"+15005550006=123456@{last},+14155552671=123456@{too_late}")

    assert all_end_within_a_year(within.get_secret_value(), today)
    assert not all_end_within_a_year(beyond.get_secret_value(), today)


@pytest.mark.parametrize(("length", "code"), [("6", "123456"), ("8", "12345678")])
def test_a_test_otp_has_the_length_of_codes(length: str, code: str) -> None:
    values = {"DIALTONE_OTP_LENGTH": length, "DIALTONE_TEST_OTPS": f"+15005550006={code}"}
    assert read_settings(values, None).otp_length == int(length)

    wrong = values | {"DIALTONE_TEST_OTPS": "+15005550006=1234567"}
    assert f"Each code must have {length} digits" in problems(wrong)["DIALTONE_TEST_OTPS"]


@pytest.mark.parametrize("length", ["5", "9", "six"])
def test_a_code_has_six_to_eight_digits(length: str) -> None:
    assert list(problems({"DIALTONE_OTP_LENGTH": length})) == ["DIALTONE_OTP_LENGTH"]
