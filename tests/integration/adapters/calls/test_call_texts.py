"""Texts of the phone line in TOML files: the built-in ones, and errors in those of operators."""

import os
from pathlib import Path

import pytest

from adapters.calls.call_texts import BUILTIN_TEXTS, InvalidCallTexts, read_call_texts
from domain.features.voice.call_texts import CallTexts, Text
from tests.support.call_texts import CALL_TEXTS
from tests.support.markdown import blocks_in, page

(EXAMPLE,) = blocks_in("toml", page("docs/voice.md"))


def read(folder: Path, text: str, app_name: str = "Demo") -> CallTexts:
    file = folder / "texts.toml"
    file.write_text(text, encoding="utf-8")
    return read_call_texts(file, app_name)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidCallTexts) as error:
        read(folder, text)
    prefix = str(folder / "texts.toml")
    assert all(line.startswith(prefix) for line in error.value.lines)
    return [line.removeprefix(prefix).lstrip(",: ") for line in error.value.lines]


def replaced(old: str, new: str) -> str:
    assert old in EXAMPLE
    return str(EXAMPLE).replace(old, new, 1)


def test_locales_of_a_file_join_the_built_in_ones_and_replace_those_of_the_same_name(
    tmp_path: Path,
) -> None:
    joined = read(tmp_path, EXAMPLE)
    assert (joined.default, list(joined.locales)) == ("en", ["en-GB", "en", "hi", "es"])
    assert joined.select_tag("IE") == "en-GB"
    assert joined.select_tag("DE", ("en-US", "en")) == joined.select_tag("DE") == "en"
    by_default = read(tmp_path, f'default_locale = "en-GB"\n{EXAMPLE}')
    assert by_default.select_tag("DE") == "en-GB"

    in_place = EXAMPLE.replace("locales.en-GB", "locales.hi").replace(
        '["GB", "IE"]', '["IN", "MX"]'
    )
    texts = read(tmp_path, f'default_locale = "es"\n{in_place}')
    assert list(texts.locales) == ["hi", "en", "es"]
    assert texts.locales["hi"].voice.language == "en-GB"
    assert texts.locales["hi"].words["yes"] == joined.locales["en-GB"].words["yes"]
    # The built-in Spanish is for Mexico too: what the operator says wins.
    assert texts.select_tag("MX") == "hi"


def test_the_built_in_texts_are_a_file_that_an_operator_may_copy(tmp_path: Path) -> None:
    assert read(tmp_path, BUILTIN_TEXTS.read_text(encoding="utf-8"), "Dialtone") == CALL_TEXTS


def test_the_documented_example_has_all_texts_and_a_comma_in_a_name_is_none_in_a_phrase(
    tmp_path: Path,
) -> None:
    locale = read(tmp_path, EXAMPLE, "Tom, Dick").locales["en-GB"]
    assert set(locale.texts) == {*Text}
    assert locale.texts[Text.WELCOME] == "Hello, this is Tom, Dick."
    assert "leave Tom  Dick" in locale.words["leave"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = [", ["it is not TOML: "]),
        ("", ["locales: there is none; add a table [locales.en]"]),
        ("locales.de = 1", ["locales.de: it is not a table; write de = { … = … }"]),
        (
            replaced('goodbye = "', 'godbye = "'),
            [
                "locales.en-GB.texts.godbye: there is no such field; remove it, or use ",
                'locales.en-GB.texts.goodbye: it is missing; add goodbye = "…"',
            ],
        ),
        (replaced("{app}", "{code}"), ["locales.en-GB.texts.welcome: '{code}' is not a placeh"]),
        (f'default_locale = "fr"\n{EXAMPLE}', ["default_locale: there is no table [locales.fr]"]),
        (
            EXAMPLE + EXAMPLE.replace("locales.en-GB", "locales.en-IE"),
            [f"locales.en-IE.countries: {country} belongs to en-GB" for country in ("GB", "IE")],
        ),
        (replaced('"Polly.Amy"', "'a\"b'"), ["locales.en-GB.voice: 'a\"b' is not the name of"]),
        (
            replaced('yes = ["yes"', 'yes = ["no"'),
            [
                f"locales.en-GB.words: 'no' is said for the keys 1 and 2 of the menu {menu}; remove"
                for menu in ("join", "confirm_leaving", "offer_feedback")
            ],
        ),
    ],
)
def test_an_error_names_file_locale_and_key_and_what_to_do(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    found = problems(tmp_path, text)

    for line in expected:
        assert any(problem.startswith(line) for problem in found), found
    assert len(found) == len(expected), found
    assert all(problem.isprintable() for problem in found)


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xff")
    (tmp_path / "deep.toml").write_text("x = " + "[" * 5000)
    for name, reason in (
        ("gone", r"it cannot be read \(No such file"),
        ("pipe", r"it cannot be read \(not a regular"),
        ("bytes", "it is not UTF-8 text"),
        ("deep", "it "),
    ):
        with pytest.raises(InvalidCallTexts, match=rf"{name}.toml: {reason}"):
            read_call_texts(tmp_path / f"{name}.toml", "Demo")
