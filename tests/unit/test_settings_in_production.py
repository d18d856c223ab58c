"""What production refuses."""

from pathlib import Path

import pytest

from entrypoints.settings import read_settings
from entrypoints.settings.kinds import Environment, Factory, MongoDatabase, S3Bucket, Sender
from tests.support.settings import refused


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    """Settings with which nothing is wrong."""
    secrets = tmp_path / "secrets.json"
    secrets.touch()
    return {
        "DIALTONE_ENV": "production",
        "DIALTONE_PUBLIC_URL": "https://dialtone.test",
        "DIALTONE_SECRETS": str(secrets),
        "DIALTONE_COUNTRIES": "IN,US",
        "DIALTONE_DATABASE": "mongodb://user:password@db.test/dialtone",
        "DIALTONE_MEDIA": "s3://pictures",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "DIALTONE_SMS": "twilio",
        "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
        "TWILIO_AUTH_TOKEN": "a secret",
        "TWILIO_FROM": "+15005550006",
    }


def test_it_starts_with_mongodb_a_bucket_and_twilio(good: dict[str, str]) -> None:
    settings = read_settings(good, None)

    assert settings.environment is Environment.PRODUCTION
    assert not settings.secrets.may_make
    assert isinstance(settings.database, MongoDatabase)
    assert isinstance(settings.media, S3Bucket)
    assert settings.sms == (Sender.TWILIO,)


def test_it_starts_with_adapters_of_ones_own(good: dict[str, str]) -> None:
    own = dict.fromkeys(("DIALTONE_DATABASE", "DIALTONE_MEDIA", "DIALTONE_SMS"), "our.own:factory")

    settings = read_settings(good | own, None)

    assert settings.database == settings.media == settings.sms[0] == Factory("our.own:factory")


def test_it_takes_no_console_and_says_what_it_takes(good: dict[str, str]) -> None:
    for sms in ("", "console"):
        lines = refused(good | {"DIALTONE_SMS": sms})

        assert list(lines) == ["DIALTONE_SMS"]
        assert "take twilio or package.module:factory" in lines["DIALTONE_SMS"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DIALTONE_PUBLIC_URL", ""),
        ("DIALTONE_PUBLIC_URL", "http://dialtone.test"),
        ("DIALTONE_SECRETS", ""),
        ("DIALTONE_SECRETS", "/nowhere/secrets.json"),
        ("DIALTONE_SECRETS", "/"),
        ("DIALTONE_COUNTRIES", ""),
        ("DIALTONE_COUNTRIES", "*"),
    ],
)
def test_it_needs_a_value_that_is_fit_for_people(
    good: dict[str, str], name: str, text: str
) -> None:
    assert set(refused(good | {name: text})) == {name}


def test_it_takes_sqlite_and_disk_on_a_single_host_only(good: dict[str, str]) -> None:
    good |= {"DIALTONE_DATABASE": "", "DIALTONE_MEDIA": ""}

    for alone in ("", "no"):
        lines = refused(good | {"DIALTONE_SINGLE_HOST": alone})

        assert set(lines) == {"DIALTONE_DATABASE", "DIALTONE_MEDIA"}
        assert all("DIALTONE_SINGLE_HOST=yes" in line for line in lines.values())
    assert read_settings(good | {"DIALTONE_SINGLE_HOST": "yes"}, None).is_single_host


def test_a_capital_scheme_is_https_too(good: dict[str, str]) -> None:
    settings = read_settings(good | {"DIALTONE_PUBLIC_URL": "HTTPS://dialtone.test"}, None)

    assert settings.public_url == "https://dialtone.test"


def test_it_tells_everything_together_with_what_is_wrong_anywhere() -> None:
    lines = refused(
        {
            "DIALTONE_ENV": "production",
            "DIALTONE_BIND": "here",
            "DIALTONE_WORKERS": "0",
            "DIALTONE_OPERATOR": "+1",
        }
    )

    assert list(lines) == [
        "DIALTONE_BIND",
        "DIALTONE_PUBLIC_URL",
        "DIALTONE_DATABASE",
        "DIALTONE_MEDIA",
        "DIALTONE_SECRETS",
        "DIALTONE_SMS",
        "DIALTONE_COUNTRIES",
        "DIALTONE_WORKERS",
        "DIALTONE_OPERATOR",
    ]


def test_a_variable_that_cannot_be_read_is_told_of_once(good: dict[str, str]) -> None:
    lines = refused(
        good
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
    assert "Takes an address" in lines["DIALTONE_PUBLIC_URL"]


def test_development_refuses_none_of_this() -> None:
    settings = read_settings({"DIALTONE_SECRETS": "/nowhere/secrets.json"}, None)

    assert settings.secrets.may_make


HERE = [
    "http://localhost:9000",
    "http://LOCALHOST.",
    "http://api.localhost",
    "http://127.0.0.1",
    "http://127.8.8.8:80",
    "http://[::1]:9000",
    "http://[::ffff:127.0.0.1]",
]
BESIDE = [
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
BEYOND = [
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


@pytest.mark.parametrize("url", [*HERE, "https://api.example.org", "https://proxy"])
def test_the_account_goes_over_https_or_stays_on_this_machine(
    good: dict[str, str], url: str
) -> None:
    assert read_settings(good | {"TWILIO_API_BASE": url}, None).twilio is not None


@pytest.mark.parametrize("url", [*BESIDE, *BEYOND])
def test_the_account_is_sent_to_nobody_else_in_the_clear(good: dict[str, str], url: str) -> None:
    lines = refused(good | {"TWILIO_API_BASE": url})

    assert list(lines) == ["TWILIO_API_BASE"]
    assert "https" in lines["TWILIO_API_BASE"]


@pytest.mark.parametrize("url", [*HERE, *BESIDE, "https://s3.example.org"])
def test_a_bucket_may_be_served_in_the_clear_beside_the_service(
    good: dict[str, str], url: str
) -> None:
    assert read_settings(good | {"DIALTONE_S3_ENDPOINT": url}, None).s3 is not None


@pytest.mark.parametrize("url", BEYOND)
def test_a_bucket_of_the_wide_world_is_reached_over_https(good: dict[str, str], url: str) -> None:
    lines = refused(good | {"DIALTONE_S3_ENDPOINT": url})

    assert list(lines) == ["DIALTONE_S3_ENDPOINT"]
    assert "https" in lines["DIALTONE_S3_ENDPOINT"]


def test_plain_http_is_no_matter_where_nothing_uses_it(good: dict[str, str]) -> None:
    beyond = dict.fromkeys(("TWILIO_API_BASE", "DIALTONE_S3_ENDPOINT"), BEYOND[0])
    own = dict.fromkeys(("DIALTONE_MEDIA", "DIALTONE_SMS"), "our.own:factory")

    assert read_settings(good | beyond | own, None).twilio is None
    assert read_settings(good | beyond | {"DIALTONE_ENV": "development"}, None).s3 is not None
