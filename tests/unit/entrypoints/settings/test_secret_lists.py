"""Several secrets of a vendor, while one is replaced."""

from pathlib import Path
from typing import Final

import pytest

from entrypoints.settings.composition import FIELDS
from entrypoints.settings.read import read_settings
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import ALL_USED, only_installed

NEW, FORMER, OLDEST = "a7" * 16, "b8" * 16, "c9" * 16
NAMES: Final = only_installed(
    ["TWILIO_AUTH_TOKEN", "VONAGE_SIGNATURE_SECRET", "WHATSAPP_APP_SECRET"]
)


def read(name: str, environ: dict[str, str]) -> tuple[str, ...]:
    settings = read_settings(environ, None)
    assert not any(secret in repr(settings) for secret in (NEW, FORMER, OLDEST))
    secrets: tuple[str, ...] = getattr(settings, FIELDS[name][0]).value
    return secrets


@pytest.mark.parametrize("name", NAMES)
def test_there_is_one_secret_or_several_in_their_order(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secrets"
    others = {key: text for key, text in ALL_USED.items() if key != name}
    for text, secrets in (
        (NEW, (NEW,)),
        (f"{NEW},{FORMER}", (NEW, FORMER)),
        (f" {FORMER} ,{NEW} ,  {OLDEST} ", (FORMER, NEW, OLDEST)),
    ):
        file.write_text(f"{text}\n")
        file.chmod(0o600)
        assert read(name, ALL_USED | {name: text}) == secrets
        assert read(name, others | {f"{name}_FILE": str(file)}) == secrets


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{NEW},", "Must have a value between two commas and after the last comma."),
        (f",{NEW}", "Must have a value between two commas and after the last comma."),
        (f"{NEW}, ,{FORMER}", "Must have a value between two commas and after the last comma."),
        (f"{NEW}, {NEW}", "Must name each secret once."),
        (f"{NEW} {FORMER}", "Must have commas between the secrets, and no spaces in one."),
        (f"{OLDEST},{NEW} {FORMER}", "Value 2: Must have commas between the secrets"),
    ],
)
def test_a_mistake_in_the_list_is_an_error_without_the_secrets(text: str, problem: str) -> None:
    line = problems(ALL_USED | {"TWILIO_AUTH_TOKEN": text})["TWILIO_AUTH_TOKEN"]

    assert line.startswith(f"TWILIO_AUTH_TOKEN: {problem}")
    assert not any(secret in line for secret in (NEW, FORMER, OLDEST))
