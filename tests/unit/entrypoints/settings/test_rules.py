"""Rules between settings, what follows from others, and what production rejects."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from adapters.security.keys.document import generate_document
from domain.otp.sliding_window import SlidingWindow
from entrypoints.composition.read_settings import describe_settings, read_settings
from entrypoints.composition.settings import FIELDS
from entrypoints.features.passkeys import PasskeySettings
from entrypoints.settings.declaration import LIMIT_PROFILES
from entrypoints.settings.values import Environment
from tests.support.settings import problems, settings
from tests.unit.entrypoints.settings.texts import (
    ALL_USED,
    META,
    SECRET,
    TWILIO,
    VONAGE,
)

Lines = dict[str, str]

TODAY: Final = datetime.now(UTC).date()
KEYS: Final = generate_document(indent=None)
SERVICE: Final = "TWILIO_MESSAGING_SERVICE_SID"
SID: Final = f"MG{7:032x}"
HOOK_SECRET: Final = f"whsec_{'A' * 32}"
OF_VONAGE: Final = [name for name in VONAGE if name.startswith("VONAGE")]
NOT_TOGETHER: Final = {
    "TWILIO_FROM": f"Must not be set together with {SERVICE}.",
    SERVICE: "Must not be set together with TWILIO_FROM.",
}
HOOKS: Final = {name: secret for name, field in FIELDS.items() if (secret := field.signed_with)}
"""Variables that name hooks, with those of their secrets."""


SITEVERIFY: Final = [
    *("ATTESTATION_URL", "ATTESTATION_SECRET", "ATTESTATION_SITE_KEY", "ATTESTATION_HOSTNAMES")
]
WITH_KEY, WITH_ID = ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
RULES: Final = [
    (
        "SMS=Twilio",
        {
            "TWILIO_ACCOUNT_SID": "Must be set if DIALTONE_SMS names twilio.",
            "TWILIO_AUTH_TOKEN": "Must be set if DIALTONE_SMS names twilio.",
            "TWILIO_FROM": f"This or {SERVICE} must be set if DIALTONE_SMS contains twilio.",
            "COUNTRIES": "Must be set if a provider costs money.",
        },
    ),
    ("OTP_LENGTH=8 TEST_OTPS=+15005550006=123456", {"TEST_OTPS": "Each code must have 8 digits"}),
    ("BIND=0.0.0.0:80 METRICS_BIND=127.0.0.1:80", {"METRICS_BIND": "Must have another port than"}),
    # A rule is left out where one of its fields is invalid, and no other rule is.
    ("OTP_LENGTH=9 TEST_OTPS=+15005550006=123456", {"OTP_LENGTH": "from 6 to 8."}),
    ("ATTESTATION=siteverify", dict.fromkeys(SITEVERIFY, "if DIALTONE_ATTESTATION is siteverify")),
    ("ATTESTATION_ASK=strangers", {"ATTESTATION": "if DIALTONE_ATTESTATION_ASK is strangers"}),
    ("WEB_CONSOLE=yes PUBLIC_URL=http://a.test", {"PUBLIC_URL": "Must begin with https:// if"}),
    ("WEB_CONSOLE=yes PUBLIC_URL=https://a.test/b", {"PUBLIC_URL": "Must have no path if"}),
    *(
        (f"WEB_CONSOLE=yes PUBLIC_URL={url}", {"PUBLIC_URL": "Must have a host name if"})
        for url in ("http://127.0.0.1:8000", "https://192.0.2.5", "http://[::1]:8000")
    ),
    *(
        (f"PUBLIC_URL=https://auth.a.test PASSKEY_DOMAIN={domain}", {"PASSKEY_DOMAIN": "Must be"})
        for domain in ("b.test", "uth.a.test", "x.auth.a.test", "auth.a.test.b.test")
    ),
    ("PASSKEY_ORIGINS=https://a.test", {"PASSKEY_ORIGINS": "Must be android:apk-key-hash:"}),
    # Without both keys, botocore finds credentials.
    (f"MEDIA=s3://images {WITH_ID}=x", {WITH_KEY: f"Must be set together with {WITH_ID}."}),
    (
        "MEDIA=s3://images AWS_SESSION_TOKEN=x MEDIA_DELIVERY=service",
        dict.fromkeys([WITH_ID, WITH_KEY], "Must be set together with AWS_SESSION_TOKEN."),
    ),
    (
        f"MEDIA=s3://images {WITH_ID}=x {WITH_KEY}=x AWS_SESSION_TOKEN=x",
        {"MEDIA_DELIVERY": "ends with the temporary credentials"},
    ),
    ("MEDIA_VARIANTS=a:9x9 MEDIA_URL_VARIANT=b", {"MEDIA_URL_VARIANT": "Must be a name in"}),
    ("MEDIA_VARIANTS=a_webp:9x9 MEDIA_URL_VARIANT=a_webp", {"MEDIA_URL_VARIANT": "of a WebP"}),
    ("MEDIA_ACCESS=private MEDIA_PUBLIC_URL=https://a.test", {"MEDIA_PUBLIC_URL": "is public"}),
    ("MEDIA_ACCESS=private LIBRARY_VISIBILITY=all", {"LIBRARY_VISIBILITY": "Must be owner"}),
    ("VOICE=own:calls COUNTRIES=IN", {"PUBLIC_URL": "Must be set if there is a phone line"}),
    ("CALL_RETENTION=10d", {"RECORDING_RETENTION": "not be longer than DIALTONE_CALL_RETENTION."}),
    ("WHATSAPP=own:sender COUNTRIES=IN", {"PUBLIC_URL": "Must be set if DIALTONE_WHATSAPP is"}),
    (
        "WHATSAPP=meta COUNTRIES=IN PUBLIC_URL=https://a.test",
        {name: "if DIALTONE_WHATSAPP names meta." for name in META if name[0] == "W"},
    ),
    ("CHANNELS=US=sms COUNTRIES=IN", {"CHANNELS": "US is not in DIALTONE_COUNTRIES: add it there"}),
    ("CHANNELS=IN=whatsapp,sms", {"CHANNELS": "IN has whatsapp, which has no provider: set DIAL"}),
    (
        "CHANNELS=*=sms,voice SMS=own:sms COUNTRIES=*",
        {"CHANNELS": "* has voice, which has no prov"},
    ),
]
"""Texts of variables, and what is wrong with which. The prefix is left out."""


def with_prefix(lines: Lines) -> Lines:
    return {name if name in FIELDS else f"DIALTONE_{name}": lines[name] for name in lines}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (TWILIO | {SERVICE: SID}, NOT_TOGETHER),
        (TWILIO | {"TWILIO_FROM": "no sender", SERVICE: SID}, {"TWILIO_FROM": "", SERVICE: ""}),
        (TWILIO | {"TWILIO_FROM": "+12"}, {"TWILIO_FROM": "Must be a number"}),
        (VONAGE | dict.fromkeys(OF_VONAGE, " "), dict.fromkeys(OF_VONAGE, "ust be set if DIALT")),
        (
            {"DIALTONE_SECRETS": KEYS, "DIALTONE_SECRETS_FILE": "a"},
            {"DIALTONE_SECRETS": "together"},
        ),
        *(
            (with_prefix(dict(part.split("=", 1) for part in text.split())), with_prefix(wrong))
            for text, wrong in RULES
        ),
    ],
)
def test_a_rule_names_what_is_wrong_and_the_way_out(environ: Lines, expected: Lines) -> None:
    lines = problems(environ)

    assert list(lines) == list(expected)
    for name, text in expected.items():
        assert text in lines[name]
        assert f" Example: {name}=" in lines[name]
    if len(lines) == 1:  # its example is valid with the other settings
        example = lines[name].rpartition(f"Example: {name}=")[2]
        read_settings(environ | {name: example}, None)


@pytest.mark.parametrize("own", ["", "my.package:factory"])
def test_variables_of_unused_vendors_are_not_read_nor_are_their_files(own: str) -> None:
    of_vendors = {name: field for name, field in FIELDS.items() if field.vendor}
    files = filter(None, (field.file_variable for field in of_vendors.values()))
    shell = dict.fromkeys([*of_vendors, *files], f"\x1b{SECRET}?")
    environ = {"DIALTONE_SMS": own, "DIALTONE_MEDIA": own, "DIALTONE_COUNTRIES": "IN"}

    read = read_settings(environ | shell, None)

    assert read == read_settings(environ, None) == read_settings(environ | {WITH_ID: "x"}, None)
    assert SECRET not in "".join(line.shown for line in describe_settings(read))


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_needs_its_secret_and_https_in_production(name: str) -> None:
    environ = {name: f"HTTP://LOCALHOST/{SECRET}", "DIALTONE_COUNTRIES": "US"}
    production = environ | {"DIALTONE_ENV": "production", HOOKS[name]: HOOK_SECRET}

    assert list(problems(environ)) == [HOOKS[name]]
    read_settings(environ | {HOOKS[name]: HOOK_SECRET}, None)
    assert "must begin with https://" in problems(production)[name]
    assert name not in problems(production | {name: "https://sms.test"})


# What holds without a setting, and what follows from other settings

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


# Production

PRIVATE_URLS: Final = [
    "http://localhost:9000", "http://[::1]:9000",
    "http://[::ffff:127.0.0.1]", "http://my_bucket-server", "http://s3.default.svc:80",
    "http://s3.corp.internal/path", "http://10.1.2.3:9000", "http://100.64.0.7",
    "http://[fd00::5]:9000",
]  # fmt: skip
PUBLIC_URLS: Final = [
    "http://example.org.", "http://localhost.example.org", "http://[2606:4700::1111]",
    "http://[::ffff:8.8.8.8]", "http://134744072", "http://0x08080808", "HTTP://S3.EXAMPLE.ORG",
]  # fmt: skip


@pytest.fixture
def production(tmp_path: Path) -> Lines:
    """Valid settings for production."""
    secrets = tmp_path / "secrets.json"
    secrets.touch()
    return ALL_USED | {
        "DIALTONE_ENV": "production",
        "DIALTONE_SECRETS_FILE": str(secrets),
        "DIALTONE_DATABASE": "mongodb://user:password@db.test/dialtone",
        "DIALTONE_TRUSTED_PROXIES": "none",
    }


def test_production_has_defaults_of_its_own(production: Lines) -> None:
    in_production = read_settings(production, None)
    assert (in_production.stop_delay.seconds, settings().stop_delay.seconds) == (5, 0)
    assert in_production.recycled_after == timedelta(days=365)
    assert in_production.of(PasskeySettings).passkey_domain is None


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("DIALTONE_PUBLIC_URL", ["http://dialtone.test"], "https"),
        ("DIALTONE_TOKEN_ISSUER", ["http://dialtone.test"], "https"),
        ("DIALTONE_SECRETS_FILE", ["", "/nowhere/secrets.json"], "`dialtone keys generate "),
        ("DIALTONE_COUNTRIES", ["*"], "Must name countries"),
        ("DIALTONE_SMS", ["", "twilio,console"], "package.module:factory"),
        ("DIALTONE_TRUSTED_PROXIES", [" "], "or to none"),
        ("DIALTONE_DATABASE", [""], "DIALTONE_SINGLE_HOST=yes"),
        (
            "DIALTONE_TEST_OTPS",
            ["+15005550006=123456", f"+15005550006=123456@{TODAY + timedelta(days=370)}"],
            "a last day",
        ),
        # Each request has a secret of the account.
        ("TWILIO_API_BASE", ["http://my_server", "http://example.org."], "https"),
        ("VONAGE_API_BASE", ["http://example.org."], "https"),
        ("WHATSAPP_API_BASE", ["http://example.org."], "https"),
        ("DIALTONE_WHATSAPP", ["console"], "console prints codes"),
        ("DIALTONE_MEDIA", [""], "DIALTONE_SINGLE_HOST=yes"),
        # A request to S3 has a signature only.
        ("DIALTONE_S3_ENDPOINT", PUBLIC_URLS, "https"),
    ],
)
def test_production_rejects_a_missing_or_unsafe_value(
    production: Lines, name: str, texts: list[str], message: str
) -> None:
    for text in texts if name in FIELDS else ():
        lines = problems(production | {name: text})

        assert list(lines) == [name]
        assert message in lines[name]
        assert f" Example: {name}=" in lines[name]


@pytest.mark.parametrize(
    "environ",
    [
        {"DIALTONE_TRUSTED_PROXIES": "10.0.0.0/8"},
        {"DIALTONE_TEST_OTPS": "+15005550006=123456@2020-01-01"},
        {"DIALTONE_TEST_OTPS": f"+15005550006=123456@{TODAY + timedelta(days=360)}"},
        {"DIALTONE_DATABASE": "", "DIALTONE_MEDIA": "", "DIALTONE_SINGLE_HOST": "yes"},
        {"DIALTONE_MEDIA": "our.own:files", "DIALTONE_S3_ENDPOINT": PUBLIC_URLS[0]},
        *({"DIALTONE_S3_ENDPOINT": url} for url in PRIVATE_URLS),
        {"DIALTONE_SECRETS": KEYS, "DIALTONE_SECRETS_FILE": ""},
        {"DIALTONE_TOKEN_ISSUER": "dialtone"},
        {"TWILIO_API_BASE": "http://localhost:9000"},
        {"DIALTONE_SMS": "our.own:factory", "TWILIO_API_BASE": "http://example.org"},
    ],
)
def test_production_accepts_a_safe_value(production: Lines, environ: Lines) -> None:
    assert read_settings(production | environ, None).env is Environment.PRODUCTION


@pytest.mark.parametrize("env", ["production", "prod"])
def test_production_reports_all_problems_at_once(env: str) -> None:
    lines = problems({"DIALTONE_ENV": env, "DIALTONE_BIND": "here", "DIALTONE_WORKERS": "0"})

    assert list(lines) == ([] if env == "production" else ["DIALTONE_ENV"]) + [
        "DIALTONE_BIND", "DIALTONE_PUBLIC_URL", "DIALTONE_TRUSTED_PROXIES", "DIALTONE_DATABASE",
        "DIALTONE_SECRETS_FILE", "DIALTONE_SMS", "DIALTONE_COUNTRIES",
        "DIALTONE_WORKERS", "DIALTONE_MEDIA",
    ]  # fmt: skip
