"""What operators see of the settings: `check-settings` and `.env.example`."""

import re
import runpy
from pathlib import Path
from typing import Final

import pytest

from entrypoints.settings.composition import FIELDS
from entrypoints.settings.read import describe_settings, read_settings
from entrypoints.settings.values import Secret
from tests.unit.entrypoints.settings.texts import ALL_USED, S3, SECRET, TWILIO

PROJECT: Final = Path(__file__).parents[4]


def shown(environ: dict[str, str]) -> dict[str, str]:
    return {row.name: row.shown for row in describe_settings(read_settings(environ, None))}


def test_each_variable_is_described_with_its_value_and_origin(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(
        "DIALTONE_BIND=0.0.0.0:9000\nDIALTONE_WORKERS=2\nTWILIO_API_BASE=http://a\n"
    )

    described = {
        row.name: (row.shown, row.origin)
        for row in describe_settings(read_settings({"DIALTONE_WORKERS": "3"}, env_file))
    }

    assert described["DIALTONE_BIND"] == ("0.0.0.0:9000", ".env")
    assert described["DIALTONE_WORKERS"] == ("3", "environment")
    assert described["DIALTONE_PUBLIC_URL"] == ("http://127.0.0.1:9000", "default")
    assert described["DIALTONE_COUNTRIES"] == ("", "default")
    assert described["TWILIO_API_BASE"] == ("(not used)", ".env")
    assert described["TWILIO_FROM"] == ("", "default")


def test_each_secret_is_hidden_and_what_is_not_used_is_not_shown() -> None:
    unused = {name: text for name, text in (TWILIO | S3).items() if not name.startswith("DIAL")}

    described = shown(ALL_USED)
    secrets = {name for name, field in FIELDS.items() if isinstance(field.unset, Secret)}
    assert {described[name] for name in secrets} == {"(hidden)", ""}
    assert SECRET not in str(described)
    assert described["TWILIO_ACCOUNT_SID"] == TWILIO["TWILIO_ACCOUNT_SID"]
    assert {shown(unused)[name] for name in unused} == {"(not used)"}
    assert shown({})["TWILIO_AUTH_TOKEN"] == ""
    test_otps = {"DIALTONE_TEST_OTPS": "+15005550006=123456"}
    assert shown(test_otps)["DIALTONE_TEST_OTPS"] == "(hidden)"
    for digits in ("123456", "5550006"):
        assert digits not in repr(read_settings(test_otps, None))


@pytest.mark.parametrize(
    ("name", "url", "expected"),
    [
        ("DATABASE", "mongodb://me:tops3cret@A:1,b:2/name?w=1", "mongodb://a:1,b:2"),
        ("DATABASE", "mongodb://a/name?authMechanismProperties=A:1,B:tops3cret", "mongodb://a"),
        ("DATABASE", "postgresql://me:tops3,cret@[::1]:5432/name", "postgresql://[::1]:5432"),
        ("DATABASE", "sqlite:///a b.db", "sqlite:///a b.db"),
    ],
)
def test_of_a_url_that_may_have_a_password_its_scheme_and_host_are_shown(
    name: str, url: str, expected: str
) -> None:
    assert shown({f"DIALTONE_{name}": url})[f"DIALTONE_{name}"] == expected


def test_a_value_that_is_the_default_is_none_that_differs() -> None:
    environ = {"DIALTONE_WORKERS": "1", "DIALTONE_LIMITS": "large", "TWILIO_FROM": "Acme"}

    rows = describe_settings(read_settings(environ, None))

    assert [row.name for row in rows if not row.is_default] == ["DIALTONE_LIMITS"]


def test_the_example_file_has_a_sentence_and_a_line_for_each_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_module("entrypoints.settings", run_name="__main__")
    printed = capsys.readouterr().out

    assert printed == (PROJECT / ".env.example").read_text()
    _, *paragraphs = printed.rstrip("\n").split("\n\n")
    setting = re.compile(r"# .+\.\n#(\w+)=.*")
    shown = [setting.fullmatch(paragraph) for paragraph in paragraphs]
    assert [match[1] for match in shown if match] == list(FIELDS)
    assert printed.count("NAME_FILE") == 1
    assert max(map(len, printed.splitlines())) <= 100
