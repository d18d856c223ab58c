"""Reading settings: names, defaults, spellings."""

from datetime import timedelta
from ipaddress import ip_network
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from application.identities.session_factory import TokenLifetimes
from domain.countries import ALL_COUNTRIES
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.test_otps import TestOtps
from entrypoints.settings import Settings, SettingsInvalid, read_settings
from entrypoints.settings.kinds import (
    Bind,
    Environment,
    Factory,
    LogFormat,
    LogLevel,
    MediaFolder,
    SecretsFile,
    Sender,
    SqliteDatabase,
    UnknownName,
)
from tests.support.settings import problem, settings


@pytest.fixture(autouse=True)
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_has_to_be_set(current_folder: Path) -> None:
    read = settings()

    assert read == Settings(
        environment=Environment.DEVELOPMENT,
        bind=Bind("127.0.0.1", 8000),
        public_url="http://127.0.0.1:8000",
        database=SqliteDatabase(current_folder / "var/dialtone.db"),
        media=MediaFolder(current_folder / "var/media"),
        s3=None,
        media_public_url=None,
        secrets=SecretsFile(current_folder / "var/secrets.json", may_make=True),
        sms=(Sender.CONSOLE,),
        twilio=None,
        app_name="Dialtone",
        android_hashes=(),
        web_domain=None,
        locale="en",
        texts=None,
        countries=None,
        default_region=None,
        test_otps=TestOtps(),
        delivery_policy=DeliveryPolicy(),
        rate_limits=RateLimits(),
        trusted_proxies=(),
        is_single_host=False,
        token_lifetimes=TokenLifetimes(),
        upload_limit=20_000_000,
        picture_pixels=50_000_000,
        picture_frames=500,
        log_level=LogLevel.INFO,
        log_format=LogFormat.AUTO,
        workers=1,
        unknown=(),
        given={},
        environ={},
    )


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("ENV", "Development", "environment", Environment.DEVELOPMENT),
        ("BIND", "0.0.0.0:80", "bind", Bind("0.0.0.0", 80)),  # noqa: S104
        ("BIND", "[::1]:8000", "bind", Bind("::1", 8000)),
        ("BIND", "localhost:65535", "bind", Bind("localhost", 65535)),
        ("BIND", "my_service:80", "bind", Bind("my_service", 80)),
        ("DATABASE", "sqlite:////srv/a b.db", "database", SqliteDatabase(Path("/srv/a b.db"))),
        ("DATABASE", "my.package:records", "database", Factory("my.package:records")),
        ("MEDIA", "file:///srv/media", "media", MediaFolder(Path("/srv/media"))),
        ("MEDIA", "file:///srv/a%20b/", "media", MediaFolder(Path("/srv/a b"))),
        ("MEDIA", "file://localhost/srv", "media", MediaFolder(Path("/srv"))),
        ("MEDIA", "store:open_files", "media", Factory("store:open_files")),
        ("MEDIA_PUBLIC_URL", "https://cdn.test/m/", "media_public_url", "https://cdn.test/m"),
        ("PUBLIC_URL", "https://dial.test/", "public_url", "https://dial.test"),
        ("PUBLIC_URL", "http://[::1]:8000", "public_url", "http://[::1]:8000"),
        ("SMS", "Console", "sms", (Sender.CONSOLE,)),
        ("APP_NAME", "Läut 5 & Co", "app_name", "Läut 5 & Co"),
        ("APP_NAME", "St. Dial", "app_name", "St. Dial"),
        ("ANDROID_HASH", "FA+9qCX9VSu", "android_hashes", ("FA+9qCX9VSu",)),
        (
            "ANDROID_HASH",
            "FA+9qCX9VSu, 01234567/9a",
            "android_hashes",
            ("FA+9qCX9VSu", "01234567/9a"),
        ),
        ("WEB_DOMAIN", "Login.Example.org", "web_domain", "login.example.org"),
        ("WEB_DOMAIN", "xn--mller-kva.example", "web_domain", "xn--mller-kva.example"),
        ("WEB_DOMAIN", "localhost", "web_domain", "localhost"),
        ("LOCALE", "pt-BR", "locale", "pt-BR"),
        ("TEXTS", "/etc/dialtone/texts/", "texts", Path("/etc/dialtone/texts")),
        ("COUNTRIES", "IN, us,DE", "countries", frozenset({"IN", "US", "DE"})),
        ("COUNTRIES", "*", "countries", ALL_COUNTRIES),
        ("DEFAULT_REGION", "in", "default_region", "IN"),
        (
            "TRUSTED_PROXIES",
            "10.0.0.0/8, 192.168.1.5,fd00::/8",
            "trusted_proxies",
            tuple(map(ip_network, ("10.0.0.0/8", "192.168.1.5", "fd00::/8"))),
        ),
        ("SINGLE_HOST", "YES", "is_single_host", True),
        ("PLAIN_TOKEN_TTL", "400d", "token_lifetimes.plain", timedelta(days=400)),
        ("PLAIN_TOKEN_TTL", "12h", "token_lifetimes.plain", timedelta(hours=12)),
        ("PLAIN_TOKEN_TTL", "30m", "token_lifetimes.plain", timedelta(minutes=30)),
        ("PLAIN_TOKEN_TTL", "60s", "token_lifetimes.plain", timedelta(minutes=1)),
        ("ACCESS_TOKEN_TTL", "5m", "token_lifetimes.access", timedelta(minutes=5)),
        ("REFRESH_TOKEN_TTL", "30d", "token_lifetimes.refresh", timedelta(days=30)),
        ("UPLOAD_LIMIT", "1000", "upload_limit", 1000),
        ("UPLOAD_LIMIT", "5MB", "upload_limit", 5_000_000),
        ("UPLOAD_LIMIT", "5 MiB", "upload_limit", 5 * 1024 * 1024),
        ("PICTURE_PIXELS", "1000000", "picture_pixels", 1_000_000),
        ("PICTURE_FRAMES", "1", "picture_frames", 1),
        ("LOG_LEVEL", "WARNING", "log_level", LogLevel.WARNING),
        ("LOG_FORMAT", "json", "log_format", LogFormat.JSON),
        ("WORKERS", "4", "workers", 4),
    ],
)
def test_a_value_is_read_as_people_write_it(name: str, text: str, field: str, value: Any) -> None:
    read = attrgetter(field)
    assert read(settings(**{name: text})) == value
    assert read(settings(**{name: f"  {text} "})) == value


def test_a_relative_path_is_below_the_current_folder(current_folder: Path) -> None:
    read = settings(DATABASE="sqlite:///a/b.db", MEDIA="file:c", SECRETS="d/e.json")

    assert read.database == SqliteDatabase(current_folder / "a/b.db")
    assert read.media == MediaFolder(current_folder / "c")
    assert read.secrets.path == current_folder / "d/e.json"


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("10.0.0.5:8000", "http://10.0.0.5:8000"),
    ],
)
def test_the_public_address_follows_from_where_the_server_listens(bind: str, url: str) -> None:
    assert settings(BIND=bind).public_url == url


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("ENV", ["prod", "production,development"]),
        (
            "BIND",
            ["8000", ":8000", "a:0", "a:65536", "a:-1", "::1:80", "[::1]", "[:::]:1", "a b:1"],
        ),
        ("BIND", ["256.0.0.1:80", "127.0.1:80", "[127.0.0.1]:80", "[abcd]:80", "127.0.0.1:8000/"]),
        ("DATABASE", ["var/a.db", "sqlite://", "sqlite:///", "sqlite://a.db", "sqlite:///a/"]),
        ("DATABASE", ["sqlite:///:memory:", "sqlite:///a.db?mode=ro", "postgres://h/d"]),
        (
            "DATABASE",
            ["sqlite:data", "SQLite:data", "mongodb:name", "a.b", "a:b:c", "a..b:c", "a:b.c"],
        ),
        ("MEDIA", ["var/media", "file:", "file:///", "file://var/media", "file:a?b", "/srv"]),
        ("MEDIA", ["file:///a%00b", "s3:bucket", "File:media", "a-b:c", "a:1", ":c", "a:"]),
        ("PUBLIC_URL", ["dial.test", "ftp://dial.test", "https://", "https://h/?a", "https://h#a"]),
        ("PUBLIC_URL", ["https://user:word@h", "https://h:99999", "https://ü.test", "https://a b"]),
        ("MEDIA_PUBLIC_URL", ["cdn.test", "//cdn.test"]),
        ("SMS", ["sms", "twilio,twilio", "console,", "console:", "https://h"]),
        ("SECRETS", ["var/"]),
        ("APP_NAME", ["a" * 31, "a\tb", "a\x1b[2J", "a\u202eb"]),
        ("APP_NAME", ["dial.test", "www.dial", "https://dial", "127.0.0.1", "Dr.Dial"]),
        ("ANDROID_HASH", ["FA+9qCX9VS", "FA+9qCX9VSuu", "FA-9qCX9VSu", "FA+9qCX9VSu,"]),
        ("WEB_DOMAIN", ["https://a.test", "a.test/", "a.test:80", "a", "müller.test", "a..test"]),
        ("WEB_DOMAIN", ["127.0.0.1", "a_b.test", "-a.test", "a.test.", "xn--\N{DEGREE SIGN}.test"]),
        ("WEB_DOMAIN", ["xn--a-.test", "xn--.test", f"{'a' * 64}.test", f"{'a.' * 127}test"]),
        ("LOCALE", ["EN", "english", "pt_BR", "pt-br", "in", "e", "en-"]),
        ("COUNTRIES", ["XX", "IN;US", "IN,,US", "IN,", "India", "*,IN"]),
        ("DEFAULT_REGION", ["ZZ", "001", "IN,US"]),
        ("TRUSTED_PROXIES", ["10.0.0.1/8", "10.0.0.0/33", "proxy.test", "*", ","]),
        ("SINGLE_HOST", ["true", "1", "y"]),
        (
            "PLAIN_TOKEN_TTL",
            ["90", "59s", "401d", "1.5h", "-1d", "d", "90 d", "\u0669\u0660d", "1w"],
        ),
        ("UPLOAD_LIMIT", ["0", "999", "2GB", "20XB", "1.5MB", "-5", "MB"]),
        ("PICTURE_PIXELS", ["0", "1e6", "1_000_000", "600000000", "many"]),
        ("PICTURE_FRAMES", ["0", "10001"]),
        ("LOG_LEVEL", ["trace", "critical"]),
        ("LOG_FORMAT", ["text"]),
        ("WORKERS", ["0", "257", "auto"]),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_name_and_an_example(
    name: str, texts: list[str]
) -> None:
    for text in texts:
        line = problem(**{name: text})

        assert line.startswith(f"DIALTONE_{name}: ")
        assert f" Example: DIALTONE_{name}=" in line


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_table() -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        settings(WORKERS="0", LOG_LEVEL="loud", OPERATOR="+1", SMS="sms", DATABASE="x", BIND="x")

    names = [line.partition(":")[0] for line in str(refusal.value).splitlines()]
    assert names == [
        "DIALTONE_BIND", "DIALTONE_DATABASE", "DIALTONE_SMS", "DIALTONE_LOG_LEVEL",
        "DIALTONE_WORKERS", "DIALTONE_OPERATOR",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE", "postgres://user:tops3cret@db.test/name"),
        ("S3_ENDPOINT", "http://user:tops3cret@s3.test"),
        ("SMS", "tops3cret,tops3cret"),
        ("PUBLIC_URL", "https://user:tops3cret@dial.test"),
        ("BIND", "tops3cret"),
        ("COUNTRIES", "tops3cret"),
        ("TEST_NUMBERS", "+15005550006=tops3cret"),
    ],
)
def test_no_refusal_quotes_what_may_be_a_password(name: str, text: str) -> None:
    assert "tops3cret" not in problem(**{name: text})


@pytest.mark.parametrize(
    "name",
    [
        "DIALTONE_OPERATOR",
        "DIALTONE_MEDIA_URL_VARIANT",
    ],
)
def test_a_setting_whose_part_is_not_there_yet_is_refused_by_name(name: str) -> None:
    assert read_settings({name: " "}, None) == settings()
    with pytest.raises(SettingsInvalid, match=rf"^{name}: This version has no .* yet; leave it"):
        read_settings({name: "something"}, None)


def test_a_refusal_gives_an_example_of_the_kind_that_was_tried() -> None:
    assert "Example: DIALTONE_DATABASE=sqlite:" in problem(DATABASE="sqlite://x")
    assert "Example: DIALTONE_DATABASE=mongodb:" in problem(DATABASE="mongodb://x")
    assert "Example: DIALTONE_DATABASE=mongodb+srv:" in problem(DATABASE="mongodb+srv://x")
    assert "Example: DIALTONE_MEDIA=file:" in problem(MEDIA="/srv")
    assert "Example: DIALTONE_MEDIA=s3:" in problem(MEDIA="s3://X")


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_an_empty_value_is_as_good_as_none(text: str) -> None:
    assert settings(ENV=text, BIND=text, COUNTRIES=text, WORKERS=text) == settings()


def test_an_unknown_name_of_ours_is_kept_for_a_warning_with_what_may_have_been_meant() -> None:
    environ = {
        "DIALTONE_DATABSE": "sqlite:///x.db",
        "DIALTONE_SECRETS_FILE": "x",
        "dialtone_bind": "127.0.0.1:9000",
        "DIALTONE_S3_ENDPOINTS": "x",
        "DIALTONE_TWILIO_FROM": "x",
        "DIALTONE_REGION": "x",
        "DIALTONE_XYZZY": "x",
        "DIALTONE_EMPTY": "",
    }

    read = read_settings(environ, None)

    assert set(read.unknown) == {
        UnknownName("DIALTONE_DATABSE", "DIALTONE_DATABASE"),
        UnknownName("DIALTONE_SECRETS_FILE", "DIALTONE_SECRETS"),
        UnknownName("dialtone_bind", "DIALTONE_BIND"),
        UnknownName("DIALTONE_S3_ENDPOINTS", "DIALTONE_S3_ENDPOINT"),
        UnknownName("DIALTONE_TWILIO_FROM", "TWILIO_FROM"),
        UnknownName("DIALTONE_REGION", "DIALTONE_DEFAULT_REGION"),
        UnknownName("DIALTONE_XYZZY", None),
    }
    assert read.bind == Bind("127.0.0.1", 8000)
