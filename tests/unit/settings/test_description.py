"""What operators see of the settings: `check-settings` and `.env.example`."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from entrypoints.settings import describe, read_settings
from entrypoints.settings.read import FIELDS, Origin, render_example_file
from tests.unit.settings.texts import S3, TWILIO

PROJECT: Final = Path(__file__).parents[3]
ENTRY: Final = re.compile(r"^#(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)", re.MULTILINE)


def shown(environ: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text, _ in describe(read_settings(environ, None))}


def test_each_variable_is_described_with_its_value_and_origin(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("DIALTONE_BIND=0.0.0.0:9000\nDIALTONE_WORKERS=2\nAWS_REGION=eu-west-3\n")

    described = {
        name: (text, origin)
        for name, text, origin in describe(read_settings({"DIALTONE_WORKERS": "3"}, env_file))
    }

    assert described["DIALTONE_BIND"] == ("0.0.0.0:9000", Origin.ENV_FILE)
    assert described["DIALTONE_WORKERS"] == ("3", Origin.ENVIRONMENT)
    assert described["DIALTONE_PUBLIC_URL"] == ("http://127.0.0.1:9000", Origin.DEFAULT)
    assert described["DIALTONE_COUNTRIES"] == ("", Origin.DEFAULT)
    assert described["AWS_REGION"] == ("eu-west-3", Origin.ENV_FILE)
    assert described["TWILIO_FROM"] == ("", Origin.DEFAULT)


def test_a_secret_is_hidden_whether_it_is_used_or_not() -> None:
    unused = {name: text for name, text in (TWILIO | S3).items() if not name.startswith("DIAL")}

    for environ in (TWILIO | S3, unused):
        described = shown(environ)

        assert described["TWILIO_AUTH_TOKEN"] == described["AWS_SECRET_ACCESS_KEY"] == "(hidden)"
        assert described["TWILIO_ACCOUNT_SID"] == TWILIO["TWILIO_ACCOUNT_SID"]
    assert shown({})["TWILIO_AUTH_TOKEN"] == ""


def test_test_otps_are_hidden() -> None:
    test_otps = {"DIALTONE_TEST_OTPS": "+15005550006=123456"}

    assert shown(test_otps)["DIALTONE_TEST_OTPS"] == "(hidden)"
    for digits in ("123456", "5550006"):
        assert digits not in repr(read_settings(test_otps, None))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mongodb://me:tops3cret@a:1,b:2/name", "mongodb://(hidden)@a:1,b:2/name"),
        ("mongodb://a/name?w=majority", "mongodb://a/name?w=majority"),
        (
            "mongodb://a/name?tlsCertificateKeyFilePassword=tops3cret&tls=true",
            "mongodb://a/name?tlsCertificateKeyFilePassword=(hidden)&tls=true",
        ),
        (
            "mongodb://a/name?w=1;AUTHMECHANISMPROPERTIES=AWS_SESSION_TOKEN:tops3cret",
            "mongodb://a/name?w=1;AUTHMECHANISMPROPERTIES=(hidden)",
        ),
        (
            "mongodb://a/name?proxyHost=p&proxyUsername=me&proxyPassword=tops3cret",
            "mongodb://a/name?proxyHost=p&proxyUsername=(hidden)&proxyPassword=(hidden)",
        ),
    ],
)
def test_a_url_is_described_without_credentials(url: str, expected: str) -> None:
    assert shown({"DIALTONE_DATABASE": url})["DIALTONE_DATABASE"] == expected


def test_an_unused_value_is_described_in_one_printable_line() -> None:
    described = shown(
        {"AWS_REGION": "\x1b[2Ja\nb", "TWILIO_API_BASE": "http://me:tops3cret@api.test/v1"}
    )

    assert described["AWS_REGION"] == "\N{REPLACEMENT CHARACTER}[2Ja\N{REPLACEMENT CHARACTER}b"
    assert described["TWILIO_API_BASE"] == "http://(hidden)@api.test/v1"


def test_the_example_file_has_two_short_lines_for_each_variable() -> None:
    printed = subprocess.check_output(
        [sys.executable, "-m", "entrypoints.settings"], cwd=PROJECT, text=True
    )
    described = describe(read_settings({}, None))
    defaults = {name: text for name, text, _ in described} | {"DIALTONE_PUBLIC_URL": ""}

    assert printed == (PROJECT / ".env.example").read_text()
    _, *entries = printed.rstrip("\n").split("\n\n")
    assert entries == [
        f"# {declaration.description}\n#{name}={defaults[name]}"
        for name, (_, declaration) in FIELDS.items()
    ]
    assert max(map(len, printed.splitlines())) <= 100


def test_the_example_file_without_comment_signs_changes_nothing(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    for active in (r"\g<name>=", r"\g<name>=\g<value>"):
        text, count = ENTRY.subn(active, render_example_file())
        env_file.write_text(text)

        assert count == len(FIELDS)
        assert read_settings({}, env_file) == read_settings({}, None)
