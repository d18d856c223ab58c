"""What a caller meant by a key or by speech."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from domain.features.voice.call_texts import SpokenLocale

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
