"""The operator's own templates in a folder."""

import os
from pathlib import Path

import pytest

from adapters.templates.sms_templates import FileSmsTemplates, InvalidTemplates, load_sms_templates
from adapters.templates.template_set import AppIdentity
from domain.otp.challenge import OTP_TTL, OtpCode
from domain.otp.message_preferences import MessagePreferences, Platform

APP = AppIdentity("Dialtone", ("FA+9qCX9VSu",), "dial.test")
REGISTERED = "Dear user, {code} is the OTP for your {app} account.  Valid {minutes} minutes -DIALTN"


def load(folder: Path, **files: str) -> FileSmsTemplates:
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content, encoding="utf-8")
    return load_sms_templates(folder, "en", APP)


def problems(folder: Path, **files: str) -> list[str]:
    with pytest.raises(InvalidTemplates) as error:
        load(folder, **files)
    assert not any(problem.is_builtin for problem in error.value.problems)
    return [f"{problem.location}: {problem.reason}" for problem in error.value.problems]


def render(
    templates: FileSmsTemplates,
    locale: str | None = None,
    platform: Platform = Platform.GENERAL,
    country: str = "US",
) -> str:
    preferences = MessagePreferences(platform, locale)
    return templates.render(
        OtpCode("012345"), lifetime=OTP_TTL, country=country, preferences=preferences
    )


def test_a_file_replaces_the_builtin_file_of_the_same_name(tmp_path: Path) -> None:
    templates = load(tmp_path, de='general = "{code} für {app}"')
    assert render(templates, "de") == "012345 für Dialtone"
    assert render(templates, "de", Platform.ANDROID) == "012345 für Dialtone\nFA+9qCX9VSu"
    assert render(templates, "de", Platform.WEB) == "012345 für Dialtone\n@dial.test #012345"
    assert render(templates, "en").startswith("012345 is your Dialtone code")


def test_a_region_falls_back_to_its_language_and_then_to_the_operators_default(
    tmp_path: Path,
) -> None:
    load(tmp_path, **{"pt-BR": 'general = "{code} BR"', "sv": 'general = "{code} sv"'})
    templates = load_sms_templates(tmp_path, "de-AT", APP)
    assert render(templates, "pt_BR") == "012345 BR"
    assert "código" in render(templates, "pt-PT")
    assert render(templates, "sv-FI") == "012345 sv"
    default = render(templates, "de")
    assert {render(templates, locale) for locale in ("xx", None, "nonsense")} == {default}
    assert templates.has_locale("de-AT")
    assert not templates.has_locale("fi")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("es", 'general = "{code} {otp}"', "es.toml: general: {otp} is not a placeholder"),
        ("es", 'general = "{code} {hash}"', "es.toml: general: {hash} is not allowed"),
        ("es", 'general = "{code}"\nadroid = "x"', "es.toml: 'adroid' is not a platform; there"),
        ("es", 'android = "{code}\\n{hash}"', "es.toml: it has no template for general"),
        ("es", "general = 5", "es.toml: general: a template is a text in quotes"),
        ("es", 'general = ["{code}"]', "es.toml: general: a template is a text in quotes"),
        ("es", "general = ", "es.toml: it is not TOML: "),
        ("ES-es", 'general = "{code}"', "ES-es.toml: its name is neither"),
        ("texts", 'general = "{code}"', "texts.toml: its name is neither"),
        ("in", 'general = "{code}"', "in.toml: its name is neither"),
        ("IN", 'general = "your code"', 'IN.toml, general: it violates the rule "code first"'),
        ("es", f'general = "{{code}}"\nandroid = "{"a" * 130} {{code}} {{hash}}"', '"140 bytes"'),
        ("es", 'general = "{code}"\nandroid = "{hash} {code}"', 'android: it violates the rule "a'),
        ("es", 'general = "{code}"\nweb = "{code} @{domain}"', 'web: it violates the rule "domain'),
    ],
)
def test_an_invalid_template_is_reported_with_its_file_and_the_reason(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    lines = problems(tmp_path, **{name: content})
    assert any(expected in line for line in lines), lines
    assert all(str(tmp_path / f"{name}.toml") in line for line in lines)


def test_all_files_that_cannot_be_read_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "es.toml").mkdir()
    os.mkfifo(tmp_path / "fr.toml")
    (tmp_path / "de.toml").write_bytes(b'general = "{code} \xff"')
    for name in ("README.md", "es.toml.bak", "es.toml~", ".#es.toml"):
        (tmp_path / name).write_text("these files are ignored")
    encoding, folder, pipe, value, syntax = problems(tmp_path, hi="general = 1", xx="=")
    assert "de.toml: it is not UTF-8 text" in encoding
    assert "es.toml: it cannot be read" in folder
    assert "fr.toml: it cannot be read (not a regular file)" in pipe
    assert "hi.toml: " in value
    assert "xx.toml: " in syntax


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidTemplates, match="cannot be read as a folder"):
        load_sms_templates(tmp_path / name, "en", APP)
