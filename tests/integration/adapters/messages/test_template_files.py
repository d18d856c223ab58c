"""The operator's own templates in a folder."""

import os
from pathlib import Path

import pytest

from adapters.messages.templates.sms_templates import (
    FileSmsTemplates,
    InvalidTemplates,
    read_sms_templates,
)
from adapters.messages.templates.template_set import AppIdentity
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import OTP_TTL, OtpCode, Purpose
from domain.otp.messages import MessagePreferences, Platform

APP = AppIdentity("Dialtone", ("FA+9qCX9VSu",), "dial.test")
GENERAL = 'general = "{code}"'
OWN_TABLES = f"""{GENERAL}
[change_phone]
general = "{{code}} ändert {{app}}"
android = "{{code}} {{hash}}"
[phone_changed]
general = "{{app}}: changed"
"""


def load(folder: Path, **files: str) -> FileSmsTemplates:
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content, encoding="utf-8")
    return read_sms_templates(folder, "en", APP)


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
    purpose: Purpose = Purpose.SIGN_IN,
) -> str:
    return templates.render(
        OtpCode("012345"),
        lifetime=OTP_TTL,
        country=country,
        preferences=MessagePreferences(platform, locale),
        purpose=purpose,
    ).text


def render_notice(templates: FileSmsTemplates, country: str = "US") -> str:
    return templates.render_notice(PhoneNotice.PHONE_CHANGED, country=country).text


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
    templates = read_sms_templates(tmp_path, "de-AT", APP)
    assert render(templates, "pt_BR") == "012345 BR"
    assert "código" in render(templates, "pt-PT")
    assert render(templates, "sv-FI") == "012345 sv"
    default = render(templates, "de")
    assert {render(templates, locale) for locale in ("xx", None, "nonsense")} == {default}
    assert templates.has_locale("de-AT")
    assert not templates.has_locale("fi")


def test_a_table_replaces_the_builtin_table_of_the_same_name(tmp_path: Path) -> None:
    templates = load(tmp_path, de=OWN_TABLES)
    change = Purpose.CHANGE_PHONE
    assert render(templates, "de") == "012345"
    assert render(templates, "de", purpose=change) == "012345 ändert Dialtone"
    assert render(templates, "de", Platform.ANDROID, purpose=change) == "012345 FA+9qCX9VSu"
    assert render(templates, "de", Platform.WEB, purpose=change).endswith("\n@dial.test #012345")
    by_default = read_sms_templates(tmp_path, "de", APP)
    assert render_notice(by_default) == "Dialtone: changed"


def test_a_table_of_a_message_that_is_no_longer_sent_is_reported_and_unused(tmp_path: Path) -> None:
    own = 'general = "{code}"\n[console_sign_in]\ngeneral = "{code} for the console"'
    templates = load(tmp_path, de=own)
    [unused] = templates.unused_tables
    assert "[console_sign_in]" in unused
    assert "this message is no longer sent" in unused
    assert render(templates, "de") == "012345"


def test_a_message_that_a_country_file_lacks_is_in_the_requested_language(tmp_path: Path) -> None:
    templates = load(tmp_path, IN=f'{GENERAL}\n[phone_changed]\ngeneral = "registered"')
    change = Purpose.CHANGE_PHONE
    for locale in ("hi", None):
        assert render(templates, locale, country="IN") == "012345"
        assert render_notice(templates, "IN") == "registered"
        expected = render(templates, locale, purpose=change)
        assert render(templates, locale, country="IN", purpose=change) == expected
    (file,) = templates.incomplete_country_files()
    missing = {"change_phone", "verification", "passkey_added", "passkey_removed"}
    assert (file.name, {*file.missing_tables}) == ("IN", missing | {"console_passkey_added"})


INVALID_TABLES = (
    ("change_number", 'general = "{code}"', "[change_number] is not a table of this file"),
    ("change_phone", 'android = "{code}\\n{hash}"', "[change_phone] it has no template for g"),
    ("change_phone", f'{GENERAL}\nandroid = "{{code}}"', "[change_phone] android: it violates"),
    ("phone_changed", 'general = "{code}"', "[phone_changed] general: {code} is not a placeh"),
    ("phone_changed", 'general = "at.example"', 'general: it violates the rule "no link"'),
    ("passkey_added", 'general = "{app"', "{ is not a placeholder of passkey_added"),
)
INVALID_FILES = (
    ('general = "{code} {otp}"', "general: {otp} is not a placeholder"),
    ('general = "{code}"\nadroid = "x"', "'adroid' is not a platform; there"),
    ('general = "{code}"\nphone_changed = "x"', "[phone_changed] is a table: write [ph"),
    ('general = "your code"', 'general: it violates the rule "code first"'),
    ('general = "{code}"\nweb = "{code} @{domain}"', 'web: it violates the rule "domain'),
)


def test_what_is_invalid_is_reported_with_its_file_and_the_reason(tmp_path: Path) -> None:
    contents = [
        *((f"{GENERAL}\n[{table}]\n{text}", words) for table, text, words in INVALID_TABLES),
        *INVALID_FILES,
    ]
    files = {f"x{chr(ord('a') + number)}": each for number, each in enumerate(contents)}
    files["in"] = (GENERAL, "its name is neither")

    lines = problems(tmp_path, **{name: text for name, (text, _) in files.items()})

    for name, (_, words) in files.items():
        found = [line for line in lines if str(tmp_path / f"{name}.toml") in line]
        assert [line for line in found if words in line], (name, found)
    assert not [line for line in lines if str(tmp_path) not in line]


def test_all_files_that_cannot_be_read_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidTemplates, match="cannot be read as a folder"):
        read_sms_templates(tmp_path / "missing", "en", APP)
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
