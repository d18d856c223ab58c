"""Settings that depend on each other, and what production rejects."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.security.keys.document import generate_document
from entrypoints.opening import providers
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.read import read_settings
from entrypoints.settings.values import Environment, Factory
from tests.support.settings import problem, problems, settings
from tests.unit.entrypoints.settings.texts import S3, TWILIO, VONAGE, only_installed

HEX = "0123456789abcdefABCDEF0123456789"
OWN = {"DIALTONE_SMS": "our.own:factory", "DIALTONE_COUNTRIES": "IN"}
CONSOLE = {"DIALTONE_SMS": "console"}
SERVICE = "TWILIO_MESSAGING_SERVICE_SID"
NUMBER = "+15005550006"
TODAY = datetime.now(UTC).date()
KEYS = generate_document(indent=None)


def test_an_invalid_variable_of_a_vendor_causes_one_error() -> None:
    assert list(problems(S3 | TWILIO | {"TWILIO_FROM": "+12"})) == ["TWILIO_FROM"]


def test_twilio_delivers_from_a_number_or_by_a_messaging_service() -> None:
    environ = TWILIO | {"TWILIO_FROM": "", "DIALTONE_SMS": "my.package:factory , Twilio,console"}
    read = read_settings(environ | {SERVICE: f"MG{HEX}"}, None)

    assert (read.twilio_from, read.twilio_messaging_service_sid) == ("", f"MG{HEX}")
    assert read.sms == (Factory("my.package:factory"), providers.TWILIO, providers.TERMINAL)
    assert list(problems(environ | {SERVICE: f"AC{HEX}"})) == [SERVICE]
    for sender, service in (("Acme", f"MG{HEX}"), ("no sender", f"MG{HEX}"), ("Acme", f"AC{HEX}")):
        lines = problems(TWILIO | {"TWILIO_FROM": sender, SERVICE: service})
        assert list(lines) == ["TWILIO_FROM", SERVICE]
        assert any("Must not be set together with" in line for line in lines.values())


@pytest.mark.parametrize("own", ["", "my.package:factory"])
def test_variables_of_unused_vendors_are_not_read(own: str) -> None:
    shell = {name: "\x1b?" for name in (*S3, *TWILIO) if not name.startswith("DIALTONE")}
    shell |= {name: "\x1b?" for name in VONAGE if not name.startswith("DIALTONE")}
    shell |= {SERVICE: "?", "TWILIO_API_BASE": "ftp://x", "AWS_REGION": "?"}
    environ = {"DIALTONE_SMS": own, "DIALTONE_MEDIA": own, "DIALTONE_COUNTRIES": "IN"}

    assert read_settings(environ | shell, None) == read_settings(environ, None)


@pytest.mark.parametrize("sms", ["twilio", "console,my.package:factory"])
def test_a_provider_that_costs_money_needs_countries(sms: str) -> None:
    environ = TWILIO | {"DIALTONE_SMS": sms}

    assert "costs money" in problems(environ | {"DIALTONE_COUNTRIES": ""})["DIALTONE_COUNTRIES"]
    assert read_settings(environ | {"DIALTONE_COUNTRIES": "*"}, None).countries


@pytest.mark.parametrize(
    ("countries", "region", "expected"),
    [("in", "", "IN"), ("IN", "US", "US"), ("IN,US", "", None), ("*", "", None), ("", "", None)],
)
def test_the_only_country_is_the_default_region(
    countries: str, region: str, expected: str | None
) -> None:
    assert settings(COUNTRIES=countries, DEFAULT_REGION=region).default_region == expected


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """Valid settings for production."""
    secrets = tmp_path / "secrets.json"
    secrets.touch()
    return (
        S3
        | TWILIO
        | {
            "DIALTONE_ENV": "production",
            "DIALTONE_SECRETS_FILE": str(secrets),
            "DIALTONE_DATABASE": "mongodb://user:password@db.test/dialtone",
            "DIALTONE_TRUSTED_PROXIES": "none",
        }
    )


def test_production_has_defaults_of_its_own(production: dict[str, str]) -> None:
    in_production = read_settings(production, None)
    assert (in_production.stop_delay.seconds, settings().stop_delay.seconds) == (5, 0)
    assert in_production.recycled_after == timedelta(days=365)
    assert settings().recycled_after is None
    assert settings(STOP_DELAY="7s").stop_delay.seconds == 7


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("DIALTONE_PUBLIC_URL", ["http://dialtone.test"], "https"),
        ("DIALTONE_TOKEN_ISSUER", ["http://dialtone.test"], "https"),
        ("DIALTONE_SECRETS_FILE", ["", "/nowhere/secrets.json"], "`dialtone keys generate "),
        ("DIALTONE_COUNTRIES", ["*"], "Must name countries"),
        ("DIALTONE_SMS", ["", "console", "twilio,console"], "package.module:factory"),
        ("DIALTONE_DATABASE", ["mongodb://db.test"], "must name the database"),
        ("DIALTONE_TRUSTED_PROXIES", ["", " "], "or to none"),
        (
            "DIALTONE_TEST_OTPS",
            ["+15005550006=123456", f"+15005550006=123456@{TODAY + timedelta(days=370)}"],
            "a last day",
        ),
    ],
)
def test_production_rejects_a_missing_or_unsafe_value(
    production: dict[str, str], name: str, texts: list[str], message: str
) -> None:
    for text in texts:
        lines = problems(production | {name: text})

        assert list(lines) == [name]
        assert message in lines[name]
        assert f" Example: {name}=" in lines[name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DIALTONE_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("DIALTONE_TEST_OTPS", "+15005550006=123456@2020-01-01"),
        ("DIALTONE_TEST_OTPS", f"+15005550006=123456@{TODAY + timedelta(days=360)}"),
    ],
)
def test_production_accepts_a_safe_value(production: dict[str, str], name: str, text: str) -> None:
    assert read_settings(production | {name: text}, None).env is Environment.PRODUCTION


def test_production_accepts_sqlite_and_disk_on_a_single_host_only(
    production: dict[str, str],
) -> None:
    not_set = only_installed(["DIALTONE_DATABASE", "DIALTONE_MEDIA"])
    production |= dict.fromkeys(not_set, "")

    for single_host in ("", "no"):
        lines = problems(production | {"DIALTONE_SINGLE_HOST": single_host})

        assert set(lines) == {*not_set}
        assert all("DIALTONE_SINGLE_HOST=yes" in line for line in lines.values())
    assert read_settings(production | {"DIALTONE_SINGLE_HOST": "yes"}, None).is_single_host


@pytest.mark.parametrize("env", ["production", "prod"])
def test_production_reports_all_problems_at_once(env: str) -> None:
    lines = problems({"DIALTONE_ENV": env, "DIALTONE_BIND": "here", "DIALTONE_WORKERS": "0"})

    assert list(lines) == ([] if env == "production" else ["DIALTONE_ENV"]) + [
        "DIALTONE_BIND", "DIALTONE_PUBLIC_URL", "DIALTONE_TRUSTED_PROXIES", "DIALTONE_DATABASE",
        "DIALTONE_SECRETS_FILE", "DIALTONE_SMS", "DIALTONE_COUNTRIES",
        "DIALTONE_WORKERS", *only_installed(["DIALTONE_MEDIA"]),
    ]  # fmt: skip


LOCAL_URLS = ["http://localhost:9000", "http://[::1]:9000"]
PRIVATE_URLS = [
    "http://[::ffff:127.0.0.1]", "http://my_bucket-server", "http://s3.default.svc:80",
    "http://s3.corp.internal/path", "http://10.1.2.3:9000", "http://100.64.0.7",
    "http://[fd00::5]:9000",
]  # fmt: skip
PUBLIC_URLS = [
    "http://example.org.", "http://localhost.example.org", "http://[2606:4700::1111]",
    "http://[::ffff:8.8.8.8]", "http://134744072", "http://0x08080808", "HTTP://S3.EXAMPLE.ORG",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "accepted", "rejected"),
    [
        # A request to Twilio has the token of the account, one to S3 a signature only.
        ("TWILIO_API_BASE", LOCAL_URLS, PRIVATE_URLS[1:2] + PUBLIC_URLS[:1]),
        ("VONAGE_API_BASE", LOCAL_URLS, PRIVATE_URLS[1:2] + PUBLIC_URLS[:1]),
        ("DIALTONE_S3_ENDPOINT", LOCAL_URLS + PRIVATE_URLS, PUBLIC_URLS),
    ],
)
def test_production_sends_plain_http_to_safe_networks_only(
    production: dict[str, str], name: str, accepted: list[str], rejected: list[str]
) -> None:
    if name not in FIELDS:
        return
    environ = VONAGE | production | {"DIALTONE_SMS": "twilio,vonage"}
    for url in accepted:
        assert read_settings(environ | {name: url}, None).env is Environment.PRODUCTION
    for url in rejected:
        lines = problems(environ | {name: url})
        assert list(lines) == [name]
        assert "https" in lines[name]


def test_plain_http_is_accepted_if_it_is_not_used(production: dict[str, str]) -> None:
    public = dict.fromkeys(("TWILIO_API_BASE", "DIALTONE_S3_ENDPOINT"), PUBLIC_URLS[0])
    public["VONAGE_API_BASE"] = PUBLIC_URLS[0]
    own = dict.fromkeys(("DIALTONE_MEDIA", "DIALTONE_SMS"), "our.own:factory")

    development = {"DIALTONE_ENV": "development"}

    assert read_settings(production | public | own, None).env is Environment.PRODUCTION
    assert read_settings(production | public | development, None).env is Environment.DEVELOPMENT


def test_a_test_otp_has_the_length_of_codes() -> None:
    assert settings(OTP_LENGTH="8", TEST_OTPS="+15005550006=12345678").otp_length == 8
    for length in ("6", "8"):
        line = problem(OTP_LENGTH=length, TEST_OTPS="+15005550006=1234567")
        assert f"Each code must have {length} digits" in line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('+15005550006="123456"', "without quotes"),
        ("+15005550006=\N{LEFT DOUBLE QUOTATION MARK}123456@2027-01-01", "without quotes"),
        ('+15005550006=123456,"+14155552671=123456"', "Value 2: Must be without quotes"),
        ("+15005550006=abcdefgh", "as many as DIALTONE_OTP_LENGTH"),
    ],
)
def test_what_is_wrong_with_a_test_otp_is_named(text: str, reason: str) -> None:
    assert reason in problem(TEST_OTPS=text)


def test_a_rule_that_needs_an_invalid_variable_does_not_apply(production: dict[str, str]) -> None:
    single_host = production | {"DIALTONE_DATABASE": "", "DIALTONE_MEDIA": ""}
    for environ in (
        single_host | {"DIALTONE_SINGLE_HOST": "true"},
        {"DIALTONE_OTP_LENGTH": "9", "DIALTONE_TEST_OTPS": "+15005550006=12345678"},
        {"DIALTONE_LIMITS": "huge"},
    ):
        assert len(problems(environ)) == 1


def test_what_one_variable_needs_is_reported_also_if_another_one_is_invalid() -> None:
    channels = {"DIALTONE_CHANNELS": "US=sms", "DIALTONE_COUNTRIES": "IN", "DIALTONE_SMS": "fax"}
    assert [*problems(channels)] == ["DIALTONE_SMS", "DIALTONE_CHANNELS"]
    lines = problems({"DIALTONE_SMS": "twilio", "DIALTONE_OTP_LENGTH": "9", "DIALTONE_BIND": "x"})
    assert [*lines] == [
        *("DIALTONE_BIND", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
        *("DIALTONE_COUNTRIES", "DIALTONE_OTP_LENGTH"),
    ]
    for name in only_installed(["DIALTONE_WHATSAPP", "DIALTONE_VOICE"]):
        lines = problems({"DIALTONE_SMS": "twilio", name: "fax"})
        assert {"TWILIO_ACCOUNT_SID", "TWILIO_FROM", "DIALTONE_COUNTRIES", name} <= lines.keys()


def test_both_are_reported_if_the_example_of_one_depends_on_the_other() -> None:
    for environ in (
        {"DIALTONE_BIND": "x", "DIALTONE_PUBLIC_URL": "y"},
        {"DIALTONE_OTP_LENGTH": "9", "DIALTONE_TEST_OTPS": "x"},
    ):
        lines = problems(environ)
        assert lines.keys() == environ.keys()
        assert [line for line in lines.values() if line.endswith("=")] == []


@pytest.mark.parametrize(
    ("environ", "example"),
    [
        ({"DIALTONE_OTP_LENGTH": "8", "DIALTONE_TEST_OTPS": "+15005550006=123456"}, ""),
        ({"DIALTONE_SECRETS": KEYS, "DIALTONE_SECRETS_FILE": "a"}, "DIALTONE_SECRETS="),
    ],
)
def test_the_example_of_a_problem_is_valid_with_the_other_settings(
    environ: dict[str, str], example: str
) -> None:
    (line,) = problems(environ).values()
    name, _, text = line.rpartition("Example: ")[2].partition("=")

    assert not example or f"{name}={text}" == example
    read_settings(environ | {name: text}, None)
