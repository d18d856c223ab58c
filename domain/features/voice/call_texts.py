"""Texts of the phone line, and what callers say."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from domain.features.voice.instructions import Say, Voice


class Text(StrEnum):
    """A text that is spoken. Each locale has all of them but those in `OPTIONAL_TEXTS`."""

    LANGUAGE_OFFER = "language_offer"
    """It offers the locale, in the language of the locale."""
    WELCOME = "welcome"
    JOIN = "join"
    JOIN_AGAIN = "join_again"
    NOT_JOINED = "not_joined"
    CONSENT = "consent"
    THANKS = "thanks"
    REGISTER_FAILED = "register_failed"
    WELCOME_BACK = "welcome_back"
    MAIN_MENU = "main_menu"
    MAIN_MENU_AGAIN = "main_menu_again"
    ANONYMOUS_MENU = "anonymous_menu"
    ANONYMOUS_MENU_AGAIN = "anonymous_menu_again"
    NOT_UNDERSTOOD = "not_understood"
    CONNECTING = "connecting"
    OPERATOR_BUSY = "operator_busy"
    OPERATOR_ABSENT = "operator_absent"
    OFFER_FEEDBACK = "offer_feedback"
    OFFER_FEEDBACK_AGAIN = "offer_feedback_again"
    FEEDBACK = "feedback"
    FEEDBACK_KEPT = "feedback_kept"
    CONFIRM_LEAVING = "confirm_leaving"
    CONFIRM_LEAVING_AGAIN = "confirm_leaving_again"
    LEFT = "left"
    LEAVING_EXPLAINED = "leaving_explained"
    GOODBYE = "goodbye"
    APOLOGY = "apology"
    CODE_GREETING = "code_greeting"
    CODE_INTRODUCTION = "code_introduction"
    CODE_REPETITION = "code_repetition"
    VERIFICATION_GREETING = "verification_greeting"
    VERIFICATION_INTRODUCTION = "verification_introduction"


OPTIONAL_TEXTS: Final = (Text.VERIFICATION_GREETING, Text.VERIFICATION_INTRODUCTION)
"""A locale of an operator may lack them."""


class Words(StrEnum):
    """Phrases with one meaning. Each locale has some for each."""

    YES = "yes"
    NO = "no"
    JOIN = "join"
    DECLINE = "decline"
    OPERATOR = "operator"
    FEEDBACK = "feedback"
    NO_FEEDBACK = "no_feedback"
    LEAVE = "leave"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class SpokenLocale:
    """The texts and words of a locale, and how it sounds.

    Attributes:
        fillers: Words that do not change an answer, such as "please".
        negations: Words that negate an answer, such as "don't".
        numbers: The number words of keys, such as "one" for 1.
        number_words: Words with which a number is a key, such as "press".
        names: What callers say to hear this locale, such as "English".
        countries: The ISO 3166-1 codes of the callers who hear this locale.
        offered_in: Other countries whose callers can choose this locale.
    """

    voice: Voice
    texts: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    fillers: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()
    numbers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    number_words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    offered_in: tuple[str, ...] = ()

    def list_phrases(self, words: Iterable[Words]) -> tuple[str, ...]:
        """Return what callers say for these words. Negations are phrases of `no`."""
        phrases = dict.fromkeys(phrase for each in words for phrase in self.words[each])
        return tuple(phrases | dict.fromkeys(self.negations if Words.NO in words else ()))

    def say(self, text: Text) -> Say:
        return Say(self.texts[text], self.voice)


@dataclass(frozen=True, slots=True)
class CallTexts:
    """All locales by their tags, those that win first, and the tag of the default one.

    `complete` is a locale with all texts, for calls whose texts another one lacks.
    """

    default: str
    locales: Mapping[str, SpokenLocale]
    complete: SpokenLocale

    def select_locale(self, country: str | None, tags: Iterable[str] = ()) -> SpokenLocale:
        return self.locales[self.select_tag(country, tags)]

    def select_with(self, text: Text, country: str | None, tags: Iterable[str]) -> SpokenLocale:
        """Return that locale if it has a text, or else the complete one."""
        locale = self.select_locale(country, tags)
        return locale if text in locale.texts else self.complete

    def select_tag(self, country: str | None, tags: Iterable[str] = ()) -> str:
        """Return the tag of the nearest locale, else that of the country, else the default.

        A locale of the same language is near: es-MX for es-ES. The first of `tags` is preferred.
        """
        requested = tuple(tags)
        languages = [tag.partition("-")[0] for tag in requested]
        near = [tag for tag in self.locales if tag.partition("-")[0] in languages]
        local = [tag for tag, locale in self.locales.items() if country in locale.countries]
        exact = [tag for tag in requested if tag in self.locales]
        return [*exact, *near, *local, self.default][0]

    def find_offer(self, country: str | None, tag: str) -> str | None:
        """Return the tag of the locale that a caller can choose instead of this one, or None.

        It is the locale of the country, if this is another one. Otherwise it is the one that is
        offered in the country, else the default. A caller without a country has no choice.
        """
        if country is None:
            return None
        offered = [other for other in self.locales if country in self.locales[other].offered_in]
        candidates = [self.select_tag(country), *offered, self.default]
        return next((other for other in candidates if other != tag), None)


KEYS: Final = "0123456789*#"
MAX_SPEECH_LENGTH: Final = 500
_APOSTROPHES: Final = "'\u2019"
_NEGATION: Final = "negation"
_FILLER: Final = "filler"

SpokenWords = tuple[str, ...]


def normalize_speech(text: str) -> SpokenWords:
    """Return the words of a text: case-folded, without punctuation and symbols.

    Marks stay, since many scripts write vowels with them. Apostrophes and invisible characters
    inside a word are removed. Digits of any script become 0 to 9.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple("".join(map(_keep, folded)).split())


def find_key(
    phrases: Mapping[str, Iterable[str]],
    locale: SpokenLocale,
    *,
    whole: Collection[str] = (),
    keys: str = "",
    speech: str = "",
) -> str | None:
    """Return the key of the choice that the caller made, or None.

    - A key counts before speech, which may be a noise.
    - Phrases are whole words. The longest ones are found first, over all choices, and each spoken
      word counts once: "leave feedback" is not "leave".
    - A choice is heard if one of its phrases was said, and none of another choice. A word of
      negation belongs to no choice, unless it is a phrase of one.
    - A number counts alone or after a word such as "press": "one moment" is not 1.
    - For choices in `whole`, which change something, all that was said has to be phrases and
      fillers.

    `phrases` has what is said for each choice, by its key.
    """
    if keys:
        return keys if keys in phrases else None
    if len(speech) > MAX_SPEECH_LENGTH:
        return None
    spoken = normalize_speech(speech)
    meanings: list[str | None] = [None] * len(spoken)
    numbers = list_numbers(locale)
    _mark(
        meanings,
        spoken,
        [
            *((normalize_speech(phrase), key) for key in phrases for phrase in phrases[key]),
            *(
                (normalize_speech(word) + number, key)
                for word in locale.number_words
                for number, key in numbers.items()
            ),
            *((normalize_speech(word), _NEGATION) for word in locale.negations),
        ],
    )
    is_number = not any(meanings)
    if is_number:
        _mark(meanings, spoken, numbers.items())
    heard = {meaning for meaning in meanings if meaning}
    fillers = (*locale.fillers, *locale.number_words)
    _mark(meanings, spoken, [(normalize_speech(filler), _FILLER) for filler in fillers])
    key = heard.pop() if len(heard) == 1 else ""
    if None in meanings and (is_number or key in whole):
        return None
    return key if key in phrases else None


def list_numbers(locale: SpokenLocale) -> dict[SpokenWords, str]:
    """Return the key of each digit and number word."""
    digits: dict[SpokenWords, str] = {(digit,): digit for digit in KEYS if digit.isdecimal()}
    words = {normalize_speech(word): key for key, words in locale.numbers.items() for word in words}
    return {**digits, **words}


def _keep(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category[0] in "LMN":
        return character
    return "" if category == "Cf" or character in _APOSTROPHES else " "


def _mark(
    meanings: list[str | None], spoken: SpokenWords, phrases: Iterable[tuple[SpokenWords, str]]
) -> None:
    """Give the words that have no meaning yet that of the longest phrase with them."""
    for phrase, meaning in sorted(phrases, key=lambda entry: -len(entry[0])):
        for start in range(len(spoken) - len(phrase) + 1):
            end = start + len(phrase)
            if spoken[start:end] == phrase and not any(meanings[start:end]):
                meanings[start:end] = [meaning] * len(phrase)
