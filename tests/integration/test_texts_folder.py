"""The operator's own texts, out of a folder."""

from pathlib import Path

import pytest

from adapters.texts import FileMessageTexts, TextsRefused, load_message_texts
from application.ports.message_texts import WantedText
from domain.otp.challenge import OTP_TTL, OtpCode
from domain.otp.texts.form import Platform, TextForm
from domain.otp.texts.text_set import Names

NAMES = Names("Dialtone", ("FA+9qCX9VSu",), "dial.test")
REGISTERED = "Dear user, {code} is the OTP for your {app} account.  Valid {minutes} minutes -DIALTN"


def loaded(folder: Path, **files: str) -> FileMessageTexts:
    return loaded_under(NAMES, folder, **files)


def loaded_under(names: Names, folder: Path, **files: str) -> FileMessageTexts:
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content, encoding="utf-8")
    return load_message_texts(folder, "en", names)


def reasons(folder: Path, **files: str) -> list[str]:
    with pytest.raises(TextsRefused) as refusal:
        loaded(folder, **files)
    assert not any(one.is_shipped for one in refusal.value.problems)
    return [f"{one.place}: {one.reason}" for one in refusal.value.problems]


def text(
    texts: FileMessageTexts,
    locale: str | None = None,
    platform: Platform = Platform.GENERAL,
    country: str = "US",
) -> str:
    return texts.text(WantedText(country, TextForm(platform, locale), OtpCode("012345"), OTP_TTL))


def test_a_file_takes_the_place_of_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    texts = loaded(tmp_path, de='general = "{code} für {app}"')
    assert text(texts, "de") == "012345 für Dialtone"
    assert text(texts, "de", Platform.ANDROID) == "012345 für Dialtone\nFA+9qCX9VSu"
    assert text(texts, "de", Platform.WEB) == "012345 für Dialtone\n@dial.test #012345"
    assert text(texts, "en").startswith("012345 is your Dialtone code")


def test_a_region_is_looked_for_before_its_language_and_a_missing_one_falls_back(
    tmp_path: Path,
) -> None:
    texts = loaded(tmp_path, **{"pt-BR": 'general = "{code} BR"', "sv": 'general = "{code} sv"'})
    assert text(texts, "pt_BR") == "012345 BR"
    assert "código" in text(texts, "pt-PT")
    assert text(texts, "sv-FI") == "012345 sv"
    assert text(texts, "xx") == text(texts, None) == text(texts, "nonsense") == text(texts, "en")


def test_the_usual_language_is_the_operators(tmp_path: Path) -> None:
    texts = load_message_texts(tmp_path, "de-AT", NAMES)
    assert text(texts, None) == text(texts, "xx") == text(texts, "de")
    assert texts.speaks("de-AT")
    assert not texts.speaks("sv")


def test_a_countrys_text_is_sent_unchanged_whatever_language_and_platform_is_asked_for(
    tmp_path: Path,
) -> None:
    texts = loaded(tmp_path, IN=f'general = "{REGISTERED}"')
    whole = "Dear user, 012345 is the OTP for your Dialtone account.  Valid 5 minutes -DIALTN"
    for platform in Platform:
        for locale in (None, "hi", "en-IN"):
            assert text(texts, locale, platform, country="IN") == whole
    assert text(texts, "hi", country="US") != whole


def test_a_country_has_texts_for_platforms_where_its_file_has_them(tmp_path: Path) -> None:
    texts = loaded(tmp_path, IN=f'general = "{REGISTERED}"\nandroid = "<#> {{code}} OTP {{hash}}"')
    assert text(texts, "hi", Platform.ANDROID, country="IN") == "<#> 012345 OTP FA+9qCX9VSu"
    assert text(texts, "hi", Platform.WEB, country="IN").startswith("Dear user")


def test_in_is_a_country_in_capitals_and_never_a_language(tmp_path: Path) -> None:
    (line,) = reasons(tmp_path, **{"in": 'general = "{code}"'})
    assert "in.toml: it is named neither like a language" in line


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("es", 'general = "{code} {otp}"', "es.toml: general: {otp} stands for nothing"),
        ("es", 'general = "{code} {hash}"', "es.toml: general: {hash} does not belong"),
        ("es", 'general = "{code}"\nadroid = "x"', "es.toml: 'adroid' is no platform; it takes"),
        ("es", 'android = "{code}\\n{hash}"', "es.toml: it has no text for general"),
        ("es", "general = 5", "es.toml: general: a text stands in quotes"),
        ("es", 'general = ["{code}"]', "es.toml: general: a text stands in quotes"),
        ("es", "general = ", "es.toml: it is not TOML: "),
        ("ES-es", 'general = "{code}"', "ES-es.toml: it is named neither"),
        ("texts", 'general = "{code}"', "texts.toml: it is named neither"),
        ("ZZ", 'general = "{code}"', "ZZ.toml: it is named neither"),
        ("IN", 'general = "your code"', 'IN.toml, general: it breaks the rule "code first"'),
        ("IN", 'general = "{app} 4711: {code}"', 'IN.toml, general: it breaks the rule "code fi'),
        ("es", 'general = "{code} a.example"', 'es.toml, general: it breaks the rule "no link"'),
        ("es", 'general = "{code}\\u202e"', 'es.toml, general: it breaks the rule "characters'),
        ("es", f'general = "{{code}}"\nandroid = "{"a" * 130} {{code}} {{hash}}"', '"140 bytes"'),
        ("es", 'general = "{code}"\nandroid = "{hash} {code}"', 'android: it breaks the rule "app'),
        ("es", 'general = "{code}"\nweb = "{code} @{domain}"', 'web: it breaks the rule "domain'),
        (
            "IN",
            f'general = "{{code}} {"अ" * 200}"',
            'IN.toml, general: it breaks the rule "length"',
        ),
    ],
)
def test_a_text_that_cannot_be_sent_is_told_with_its_file_and_the_rule(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    lines = reasons(tmp_path, **{name: content})
    assert any(told in line for line in lines), lines
    assert all(str(tmp_path / f"{name}.toml") in line for line in lines)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    lines = reasons(tmp_path, IN='general = "x"', de="general = 1", es='general = "{x}"', xx="=")
    assert len(lines) == 4


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "es.toml").mkdir()
    (tmp_path / "de.toml").write_bytes(b'general = "{code} \xff"')
    first, second = reasons(tmp_path)
    assert "de.toml: it is not text in UTF-8" in first
    assert "es.toml: it cannot be read" in second


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TextsRefused, match="cannot be read as a folder"):
        load_message_texts(tmp_path / name, "en", NAMES)


def test_what_else_lies_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    for name in ("README.md", "es.toml.bak", "es.toml~", ".#es.toml"):
        (tmp_path / name).write_text("no texts")
    assert text(loaded(tmp_path), "es").startswith("012345 es tu clave")


def test_a_file_of_windows_is_read_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "es.toml").write_bytes(b'\xef\xbb\xbfgeneral = """\r\n{code} a\r\nb"""\r\n')
    assert text(loaded(tmp_path), "es") == "012345 a\nb"


def test_a_text_that_nobody_can_get_under_these_names_stops_nothing(tmp_path: Path) -> None:
    long = f'general = "{{code}}"\nandroid = "{"a" * 200} {{code}} {{hash}}"'
    texts = loaded_under(Names("Dialtone"), tmp_path, es=long)
    assert text(texts, "es", Platform.ANDROID) == "012345"
