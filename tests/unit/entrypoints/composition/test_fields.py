"""What holds for each setting: its example, `.env.example`, and what `check-settings` shows."""

import re
import runpy
from pathlib import Path
from typing import Final

import pytest

from adapters.security.keys.document import generate_document
from entrypoints.composition.read_settings import describe_settings, read_settings
from entrypoints.composition.settings import FIELDS
from entrypoints.settings.values import Secret
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import ALL_USED, S3, SECRET, TWILIO, VONAGE

PROJECT: Final = Path(__file__).parents[4]
# The example of these is a command, because keys that are printed here would be used.
KEYS: Final = {
    '"$(dialtone keys generate -)"': generate_document(indent=None).strip(),
    "$(openssl rand -hex 16)": f"{7:032x}",
    '"$(cat private.key)"': VONAGE["VONAGE_PRIVATE_KEY"].strip(),
    '"whsec_$(openssl rand -base64 32)"': f"whsec_{'A' * 43}=",
}
NEEDED: Final = {
    "AWS_SESSION_TOKEN": {"DIALTONE_MEDIA_DELIVERY": "service"},
    "DIALTONE_EVENTS": {"DIALTONE_EVENTS_SECRET": "A" * 32},
    "DIALTONE_LOGIN_HOOK": {"DIALTONE_LOGIN_HOOK_SECRET": "A" * 32},
    "DIALTONE_VOICE": {"TWILIO_VOICE_FROM": "+14155550006"},
    "TWILIO_MESSAGING_SERVICE_SID": {"TWILIO_FROM": ""},
}
"""What a setting needs beside the others."""


def shown(environ: dict[str, str]) -> dict[str, str]:
    return {row.name: row.shown for row in describe_settings(read_settings(environ, None))}


def test_every_example_and_default_is_valid_and_shown_as_written() -> None:
    for name, declaration in FIELDS.items():
        examples = {declaration.example_text, declaration.default}
        for example in examples - {"", "production"}:
            text = KEYS.get(example, example)
            found = shown(ALL_USED | NEEDED.get(name, {}) | {name: text})[name]
            assert found == text or declaration.file_variable or name == "DIALTONE_SECRETS"


def test_an_unprintable_value_of_any_variable_is_rejected() -> None:
    for name, declaration in FIELDS.items():
        line = problems(ALL_USED | {name: f"{SECRET}\n{SECRET}"})[name]
        assert line.isprintable()
        assert SECRET not in line
        assert line.endswith(f"Example: {name}={declaration.example_text}")


def test_the_example_file_has_a_sentence_and_a_line_for_each_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_module("entrypoints.composition.env_example", run_name="__main__")
    printed = capsys.readouterr().out

    assert printed == (PROJECT / ".env.example").read_text()
    _, *paragraphs = printed.rstrip("\n").split("\n\n")
    setting = re.compile(r"# .+\.\n#(\w+)=.*")
    matches = [setting.fullmatch(paragraph) for paragraph in paragraphs]
    assert [match[1] for match in matches if match] == list(FIELDS)
    assert printed.count("NAME_FILE") == 1
    assert max(map(len, printed.splitlines())) <= 100


def test_each_secret_is_hidden_and_what_is_not_used_is_not_shown() -> None:
    unused = {name: text for name, text in (TWILIO | S3).items() if not name.startswith("DIAL")}
    test_otps = {"DIALTONE_TEST_OTPS": "+15005550006=123456"}

    described = shown(ALL_USED | test_otps)
    secrets = {name for name, field in FIELDS.items() if isinstance(field.unset, Secret)}
    assert {described[name] for name in secrets} == {"(hidden)", ""}
    assert described["DIALTONE_TEST_OTPS"] == "(hidden)"
    assert {shown(unused)[name] for name in unused} == {"(not used)"}
    assert SECRET not in str(described) + repr(read_settings(ALL_USED, None))
    for digits in ("123456", "5550006"):
        assert digits not in repr(read_settings(test_otps, None))


@pytest.mark.parametrize(
    ("name", "url", "expected"),
    [
        ("DIALTONE_DATABASE", "mongodb://me:tops3cret@A:1,b:2/name?w=1", "mongodb://a:1,b:2"),
        ("DIALTONE_DATABASE", "mongodb://a/n?authMechanismProperties=B:tops3cret", "mongodb://a"),
        ("DIALTONE_DATABASE", "postgresql://me:tops3,cret@[::1]:5/n", "postgresql://[::1]:5"),
        ("DIALTONE_DATABASE", "sqlite:///a b.db", "sqlite:///a b.db"),
        ("DIALTONE_SMS", "https://SMS.test:8443/tops3cret?key=tops3cret", "https://sms.test:8443"),
    ],
)
def test_of_a_url_that_may_have_a_password_its_scheme_and_host_are_shown(
    name: str, url: str, expected: str
) -> None:
    hook = {"DIALTONE_SMS_HOOK_SECRET": "A" * 32, "DIALTONE_COUNTRIES": "US"}
    assert shown(hook | {name: url})[name] == expected
