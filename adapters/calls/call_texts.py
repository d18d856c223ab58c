"""Texts and words of the phone line from TOML files: the built-in and the operator's."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from adapters.shared.files import read_toml_file
from application.ports.errors import ConfigurationError
from domain.countries import ALL_COUNTRIES
from domain.features.voice.call_texts import (
    KEYS,
    OPTIONAL_TEXTS,
    CallTexts,
    SpokenLocale,
    Text,
    Words,
    list_numbers,
    normalize_speech,
)
from domain.features.voice.instructions import MAX_SPEECH_HINTS, Voice
from domain.features.voice.menu import MENUS

BUILTIN_TEXTS: Final = files("adapters.calls").joinpath("builtin.toml")
DEFAULT_LOCALE: Final = "en"
MAX_TEXT_LENGTH: Final = 1000
MAX_PHRASE_LENGTH: Final = 100
Table = dict[str, Any]
_EXPECTED: Final = {
    str: ("a text", '"…"'),
    tuple[str, ...]: ("a list of texts", '["…", "…"]'),
    Table: ("a table", "{ … = … }"),
}
_LISTS: Final = ("names", "fillers", "negations", "number_words", "countries", "offered_in")
_FIELDS: Final = ("language", "voice", *_LISTS, "texts", "words", "numbers")
_TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2}|-[0-9]{3})?")
_VOICE: Final = re.compile(r"[A-Za-z0-9._-]{0,60}")
_BRACES: Final = re.compile(r"\{(?!app\})[^{}]*\}?|(?<!\{app)\}")
_JOINERS: Final = "\u200c\u200d"  # some scripts need them inside words


class TextProblem(NamedTuple):
    """A problem of a file: its place, and a message that says what to do."""

    place: str
    message: str


class InvalidCallTexts(ConfigurationError):
    """A file that cannot be used; `lines` has all problems, each with the file."""

    def __init__(self, location: str, problems: Sequence[TextProblem]) -> None:
        lines = (
            f"{', '.join(filter(None, [location, problem.place]))}: {problem.message}"
            for problem in problems
        )
        self.lines = tuple(map(_escape, lines))
        super().__init__("; ".join(self.lines))


def read_call_texts(file: Path | None, app_name: str) -> CallTexts:
    """Read the built-in locales, and those of a file, which replace or join them.

    A locale of the file works from the file alone. Of the optional texts it has those of a built-in
    one of the same language, if there is one.

    Raises:
        InvalidCallTexts: with all problems.
    """
    default, locales = _read_file(BUILTIN_TEXTS, BUILTIN_TEXTS.name, app_name)
    complete = locales[default]
    if file is not None:
        default, own = _read_file(file, str(file), app_name)
        own = {tag: _add_optional_texts(tag, locale, locales) for tag, locale in own.items()}
        # Its own come first, so that they win where a built-in one is for the same country.
        locales = {**own, **{tag: locales[tag] for tag in locales if tag not in own}}
    if default not in locales:
        message = f"there is no table [locales.{default}]; use one of {', '.join(locales)}"
        raise InvalidCallTexts(str(file), [TextProblem("default_locale", message)])
    return CallTexts(default, locales, complete)


def _add_optional_texts(
    tag: str, locale: SpokenLocale, builtin: Mapping[str, SpokenLocale]
) -> SpokenLocale:
    of_language = builtin.get(tag.partition("-")[0])
    if of_language is None:
        return locale
    added = {text.value: of_language.texts[text] for text in OPTIONAL_TEXTS}
    return replace(locale, texts={**added, **locale.texts})


def _read_file(
    file: Traversable, location: str, app_name: str
) -> tuple[str, dict[str, SpokenLocale]]:
    try:
        document = read_toml_file(file)
    except ValueError as error:
        raise InvalidCallTexts(location, [TextProblem("", str(error))]) from error
    reader = _Reader(app_name)
    reader.check_fields("", document, ("default_locale", "locales"))
    default = reader.read("", document, "default_locale", str, DEFAULT_LOCALE)
    tables = document.get("locales")
    if not isinstance(tables, dict) or not tables:
        reader.problems.append(TextProblem("locales", "there is none; add a table [locales.en]"))
        tables = {}
    locales = {
        tag: reader.read_locale(tag, table)
        for tag in tables
        if (table := reader.read("locales", tables, tag, Table)) == tables[tag]
    }
    problems = [*reader.problems, *_check_countries(locales)]
    if problems:
        raise InvalidCallTexts(location, list(dict.fromkeys(problems)))
    return default, locales


class _Reader:
    """Reads tables, and collects problems instead of stopping at the first one."""

    def __init__(self, app_name: str) -> None:
        self.problems: list[TextProblem] = []
        self._app_name = app_name

    def check_fields(self, place: str, table: Table, known: Iterable[str]) -> None:
        for field in sorted(table.keys() - {*known}):
            message = f"there is no such field; remove it, or use {', '.join(sorted(known))}"
            self.problems.append(TextProblem(_join(place, field), message))

    def read(self, place: str, table: Table, field: str, kind: Any, default: Any = None) -> Any:
        """Return the value of a field; an empty one if it is missing or of another kind."""
        value = table.get(field, default)
        expected, example = _EXPECTED[kind]
        problem = "it is missing; add" if value is None else f"it is not {expected}; write"
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            message = f"{problem} {field} = {example}"
            self.problems.append(TextProblem(_join(place, field), message))
            return kind()

    def read_locale(self, tag: str, table: Table) -> SpokenLocale:
        place = f"locales.{tag}"
        self.check_fields(place, table, _FIELDS)
        texts, words, numbers = (
            self.read(place, table, field, Table, {}) for field in ("texts", "words", "numbers")
        )
        self.check_fields(f"{place}.texts", texts, Text)
        self.check_fields(f"{place}.words", words, Words)
        locale = SpokenLocale(
            Voice(
                self.read(place, table, "language", str), self.read(place, table, "voice", str, "")
            ),
            {
                text: self._read_text(f"{place}.texts", texts, text)
                for text in Text
                if text in texts or text not in OPTIONAL_TEXTS
            },
            {name: self._read_phrases(f"{place}.words", words, name) for name in Words},
            numbers={
                key: self._read_phrases(f"{place}.numbers", numbers, key, ()) for key in numbers
            },
            **{field: self._read_phrases(place, table, field, ()) for field in _LISTS},
        )
        # What could not be read is not reported as empty, too.
        reported = {problem.place for problem in self.problems}
        broken = _check_locale(place, tag, locale)
        self.problems += (problem for problem in broken if problem.place not in reported)
        return locale

    def _read_phrases(
        self, place: str, table: Table, field: str, default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        # A comma separates the phrases that a provider expects.
        app_name = self._app_name.replace(",", " ")
        texts = self.read(place, table, field, tuple[str, ...], default)
        return tuple(text.replace("{app}", app_name) for text in texts)

    def _read_text(self, place: str, texts: Table, name: str) -> str:
        text: str = self.read(place, texts, name, str)
        if match := _BRACES.search(text):
            message = f"{match[0]!r} is not a placeholder; there is {{app}} only"
            self.problems.append(TextProblem(f"{place}.{name}", message))
        # Line breaks are for the reader of the file.
        return " ".join(text.replace("{app}", self._app_name).split())


def _check_locale(place: str, tag: str, locale: SpokenLocale) -> Iterator[TextProblem]:
    voice = locale.voice
    if not _TAG.fullmatch(tag):
        yield TextProblem(place, "its name is not a locale such as en or pt-BR")
    if not _TAG.fullmatch(voice.language):
        message = f"{voice.language!r} is not a language tag such as en-US"
        yield TextProblem(f"{place}.language", message)
    if not _VOICE.fullmatch(voice.name):
        message = f"{voice.name!r} is not the name of a voice such as Polly.Joanna"
        yield TextProblem(f"{place}.voice", message)
    for name, text in locale.texts.items():
        yield from _check_text(f"{place}.texts.{name}", text)
    for key in locale.numbers.keys() - set(KEYS):
        yield TextProblem(f"{place}.numbers", f"{key!r} is not a key; use one of 0-9, * and #")
    for key, phrases in locale.numbers.items():
        for phrase in phrases:
            yield from _check_phrase(f"{place}.numbers.{key}", phrase)
    lists = {f"words.{name}": phrases for name, phrases in locale.words.items()}
    lists |= {
        field: getattr(locale, field) for field in ("names", "fillers", "negations", "number_words")
    }
    numbers = list_numbers(locale)
    for field, phrases in lists.items():
        if not phrases and field.startswith("words."):
            yield TextProblem(f"{place}.{field}", 'it is empty; add a word such as "yes"')
        for phrase in phrases:
            yield from _check_phrase(f"{place}.{field}", phrase)
            if normalize_speech(phrase) in numbers:
                message = f"{phrase!r} is a number, which is understood for its key; remove it"
                yield TextProblem(f"{place}.{field}", message)
    yield from _check_menus(place, locale)


def _check_text(place: str, text: str) -> Iterator[TextProblem]:
    if not text:
        yield TextProblem(place, "it is empty; write what is said")
    if len(text) > MAX_TEXT_LENGTH:
        message = f"it has {len(text)} characters; at most {MAX_TEXT_LENGTH} are allowed"
        yield TextProblem(place, message)
    for character in text:
        if not character.isprintable() and character not in _JOINERS:
            message = f"it contains the invisible character U+{ord(character):04X}; remove it"
            yield TextProblem(place, message)
            return


def _check_phrase(place: str, phrase: str) -> Iterator[TextProblem]:
    # Providers separate the expected phrases by commas.
    if not normalize_speech(phrase) or "," in phrase or len(phrase) > MAX_PHRASE_LENGTH:
        message = f"{phrase!r} is not a word or phrase of up to {MAX_PHRASE_LENGTH} characters"
        yield TextProblem(place, f"{message} without commas")


def _check_menus(place: str, locale: SpokenLocale) -> Iterator[TextProblem]:
    for state, menu in MENUS.items():
        owners: dict[tuple[str, ...], str] = {}
        for choice in menu.choices:
            for phrase in locale.list_phrases(choice.words):
                owner = owners.setdefault(normalize_speech(phrase), choice.key)
                if owner != choice.key:
                    message = f"{phrase!r} is said for the keys {owner} and {choice.key}"
                    yield TextProblem(
                        f"{place}.words", f"{message} of the menu {state}; remove one"
                    )
        if len(owners) > MAX_SPEECH_HINTS:
            message = f"the menu {state} has {len(owners)}; at most {MAX_SPEECH_HINTS} are allowed"
            yield TextProblem(f"{place}.words", message)


def _check_countries(locales: dict[str, SpokenLocale]) -> Iterator[TextProblem]:
    for field in ("countries", "offered_in"):
        owners: dict[str, str] = {}
        for tag, locale in locales.items():
            place = f"locales.{tag}.{field}"
            for country in getattr(locale, field):
                if country not in ALL_COUNTRIES:
                    yield TextProblem(place, f"{country!r} is not an ISO 3166-1 code such as IN")
                if owners.setdefault(country, tag) != tag:
                    message = f"{country} belongs to {owners[country]} too; remove one"
                    yield TextProblem(place, message)


def _join(place: str, field: str) -> str:
    return f"{place}.{field}" if place else field


def _escape(line: str) -> str:
    # A name in quotes may have any character.
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in line
    )
