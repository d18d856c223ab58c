"""Whatever is set is read into what it has to be, or refused in a line that helps."""

from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrypoints.settings import Settings, SettingsInvalid, describe, read_settings
from entrypoints.settings.table import VARIABLES
from entrypoints.settings.variable import HIDDEN
from tests.support.examples import examples
from tests.unit.settings_texts import GOOD, MARK, NAMES, S3, TEXTS, TWILIO, environs

USED: Final = S3 | TWILIO


def read(environ: dict[str, str]) -> Settings | tuple[str, ...]:
    """The settings, or the lines that refuse them; whatever else comes is a fault of ours."""
    try:
        return read_settings(environ, None)
    except SettingsInvalid as refusal:
        return refusal.problems


def assert_helps(line: str, names: list[str]) -> None:
    name, colon, rest = line.partition(": ")
    assert colon
    assert name in names
    assert rest
    assert line.isprintable()
    assert MARK not in line


@given(environs())
@example({"DIALTONE_MEDIA": "//exam[]ple/pictures"})
@example({"DIALTONE_MEDIA": "file://]/srv"})
@example({"DIALTONE_MEDIA": "file://\N{ACCOUNT OF}/srv"})
@settings(max_examples=examples(12))
def test_any_environment_is_read_or_refused_line_by_line(environ: dict[str, str]) -> None:
    outcome = read(environ)
    if isinstance(outcome, Settings):
        assert MARK not in repr(outcome)
        return
    assert outcome
    for line in outcome:
        assert_helps(line, NAMES)


@given(st.sampled_from(NAMES), TEXTS)
@settings(max_examples=examples(12))
def test_a_text_that_a_variable_does_not_take_is_refused_once_with_an_example(
    name: str, text: str
) -> None:
    outcome = read(USED | {name: text})
    if isinstance(outcome, Settings):
        return
    own = [line for line in outcome if line.startswith(f"{name}: ")]
    assert len(own) <= 1
    for line in own:
        assert f"Example: {name}=" in line or "Production" in line or "not both" in line


@given(environs())
@example({"DIALTONE_DATABASE": f"mongodb://me:{MARK}@h/name?tlsCertificateKeyFilePassword={MARK}"})
@example({"TWILIO_API_BASE": f"http://me:{MARK}@h", "AWS_SECRET_ACCESS_KEY": f"\x1b{MARK}"})
@settings(max_examples=examples(12))
def test_what_is_shown_of_settings_reads_back_as_them(environ: dict[str, str]) -> None:
    outcome = read(environ)
    if not isinstance(outcome, Settings):
        return
    described = describe(outcome)
    assert [one.name for one in described] == NAMES
    assert all(one.shown.isprintable() and MARK not in one.shown for one in described)
    again = {name: environ[name] if HIDDEN in shown else shown for name, shown, _ in described}
    assert read(again) == outcome


def test_the_examples_are_read_and_shown_as_they_were_written() -> None:
    for name, text in GOOD:
        if text == "production":
            continue
        environ = USED | {name: text}
        if name == "TWILIO_MESSAGING_SERVICE_SID":
            del environ["TWILIO_FROM"]
        outcome = read(environ)
        assert isinstance(outcome, Settings), outcome
        (shown,) = (one.shown for one in describe(outcome) if one.name == name)
        assert shown == text or HIDDEN in shown


@pytest.mark.parametrize("text", ["\x1b", f"\x1b{MARK}", f"{MARK}\n{MARK}"], ids=ascii)
def test_every_variable_says_what_it_takes_when_it_is_given_something_else(text: str) -> None:
    for variable in VARIABLES:
        outcome = read(USED | {variable.name: text})
        assert isinstance(outcome, tuple)
        (line,) = (one for one in outcome if one.startswith(f"{variable.name}: "))
        assert_helps(line, NAMES)
        assert line.endswith(f"Example: {variable.name}={variable.example}")


def test_a_password_in_the_wrong_variable_is_not_repeated() -> None:
    for name in NAMES:
        for text in (f"{MARK} ?@#", f"{MARK},{MARK}", f"http://me:{MARK}@h/?#", f"s3://{MARK}?"):
            outcome = read(USED | {name: text})
            lines = outcome if isinstance(outcome, tuple) else ()
            assert [line for line in lines if MARK in line] == [], name
