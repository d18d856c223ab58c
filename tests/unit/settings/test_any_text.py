"""Any text is parsed, or rejected with a line that helps."""

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings

from entrypoints.settings import FIELDS, Settings, SettingsError, describe, read_settings
from entrypoints.settings.read import HIDDEN
from tests.support.examples import examples
from tests.unit.settings.texts import EXAMPLES, S3, SECRET, TWILIO, VARIABLES, environs

ALL_USED: Final = S3 | TWILIO
DEFAULTS: Final = read_settings({}, None)


def read(environ: dict[str, str]) -> Settings | tuple[str, ...]:
    """Return the settings or the problems; any other exception is a bug."""
    try:
        return read_settings(environ, None)
    except SettingsError as error:
        return error.problems


def assert_helps(line: str) -> None:
    name, colon, rest = line.partition(": ")
    assert colon
    assert name in VARIABLES
    assert rest
    assert line.isprintable()
    assert SECRET not in line


@given(environs())
@example({"DIALTONE_MEDIA": "//exam[]ple/images"})
@example({"DIALTONE_MEDIA": "file://]/srv"})
@example({"DIALTONE_MEDIA": "file://\N{ACCOUNT OF}/srv"})
@example({"DIALTONE_MAX_UPLOAD_SIZE": "9" * 5000})
@hypothesis_settings(max_examples=examples(12))
def test_any_environment_is_read_or_rejected_line_by_line(environ: dict[str, str]) -> None:
    result = read(environ)
    if isinstance(result, Settings):
        assert SECRET not in repr(result)
        return
    assert result
    for line in result:
        assert_helps(line)


@given(environs())
@example(
    {"DIALTONE_DATABASE": f"mongodb://me:{SECRET}@h/name?tlsCertificateKeyFilePassword={SECRET}"}
)
@example({"TWILIO_API_BASE": f"http://me:{SECRET}@h", "AWS_SECRET_ACCESS_KEY": f"\x1b{SECRET}"})
@hypothesis_settings(max_examples=examples(12))
def test_the_described_values_are_read_as_the_same_settings(environ: dict[str, str]) -> None:
    result = read(environ)
    if not isinstance(result, Settings):
        return
    described = describe(result)
    assert [description.name for description in described] == VARIABLES
    assert all(shown.isprintable() and SECRET not in shown for _, shown, _ in described)
    again = {name: environ[name] if HIDDEN in shown else shown for name, shown, _ in described}
    assert read(again) == result


def test_every_example_and_default_is_valid_and_described_as_written() -> None:
    for name, text in EXAMPLES:
        if text == "production":
            continue
        environ = ALL_USED | {name: text}
        if name == "TWILIO_MESSAGING_SERVICE_SID":
            del environ["TWILIO_FROM"]
        if name == "DIALTONE_VOICE":
            environ["TWILIO_VOICE_FROM"] = "+14155550006"
        result = read(environ)
        assert isinstance(result, Settings), result
        (shown,) = (shown for variable, shown, _ in describe(result) if variable == name)
        assert shown == text or HIDDEN in shown


@pytest.mark.parametrize("text", ["\x1b", f"\x1b{SECRET}", f"{SECRET}\n{SECRET}"], ids=ascii)
def test_an_unprintable_value_of_any_variable_is_rejected(text: str) -> None:
    for name, (_, declaration) in FIELDS.items():
        result = read(ALL_USED | {name: text})
        assert isinstance(result, tuple)
        (line,) = (line for line in result if line.startswith(f"{name}: "))
        assert_helps(line)
        assert line.endswith(f"Example: {name}={declaration.example_text(DEFAULTS)}")
