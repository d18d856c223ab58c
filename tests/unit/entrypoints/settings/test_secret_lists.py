"""Several secrets of a vendor, while one is replaced."""

from pathlib import Path
from typing import Final

import pytest

from entrypoints.settings.read import read_settings
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import TWILIO

NEW, FORMER, OLDEST = "a7" * 16, "b8" * 16, "c9" * 16
NAME: Final = "TWILIO_AUTH_TOKEN"


def read(environ: dict[str, str]) -> tuple[str, ...]:
    settings = read_settings(environ, None)
    assert not any(secret in repr(settings) for secret in (NEW, FORMER, OLDEST))
    return settings.twilio_auth_tokens.value


def test_there_is_one_secret_or_several_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    others = {name: text for name, text in TWILIO.items() if name != NAME}
    for text, secrets in (
        (NEW, (NEW,)),
        (f"{NEW},{FORMER}", (NEW, FORMER)),
        (f" {FORMER} ,{NEW} ,  {OLDEST} ", (FORMER, NEW, OLDEST)),
    ):
        file.write_text(f"{text}\n")
        file.chmod(0o600)
        assert read(TWILIO | {NAME: text}) == secrets
        assert read(others | {f"{NAME}_FILE": str(file)}) == secrets


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{NEW},", "Must have a value between two commas and after the last comma."),
        (f"{NEW}, {NEW}", "Must name each secret once."),
        (f"{OLDEST},{NEW} {FORMER}", "Value 2: Must have commas between the secrets"),
    ],
)
def test_a_mistake_in_the_list_is_an_error_without_the_secrets(text: str, problem: str) -> None:
    line = problems(TWILIO | {NAME: text})[NAME]

    assert line.startswith(f"{NAME}: {problem}")
    assert not any(secret in line for secret in (NEW, FORMER, OLDEST))
