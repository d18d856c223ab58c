"""What a caller meant by a key or by speech."""

import unicodedata
from collections.abc import Iterable
from typing import Final

from domain.voice.flow import Choice, FlowLocale

MAX_SPEECH_LENGTH: Final = 500
_APOSTROPHES: Final = "'\u2019"


def normalize_speech(text: str) -> tuple[str, ...]:
    """Return the words of a text: case-folded, without punctuation and symbols.

    Marks stay, since many scripts write vowels with them. Apostrophes and invisible characters
    inside a word are removed.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple("".join(map(_keep, folded)).split())


def find_choice(
    choices: Iterable[Choice], locale: FlowLocale, *, keys: str = "", speech: str = ""
) -> Choice | None:
    """Return the choice that the caller made, or None.

    - A key counts before speech, which may be a noise.
    - Every spoken word has to belong to this choice or to the fillers: "do not leave" is not
      "leave", and "yes no" is neither.
    """
    if keys:
        return next((choice for choice in choices if choice.key == keys), None)
    if len(speech) > MAX_SPEECH_LENGTH:
        return None
    spoken = normalize_speech(speech)
    fillers = [normalize_speech(filler) for filler in locale.fillers]
    found = [
        choice
        for choice in choices
        if _consists_of(
            spoken,
            [(choice.key,), *map(normalize_speech, locale.words.get(choice.words, ()))],
            fillers,
        )
    ]
    return found[0] if len(found) == 1 else None


def _keep(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return character
    return "" if category == "Cf" or character in _APOSTROPHES else " "


def _consists_of(
    spoken: tuple[str, ...],
    phrases: Iterable[tuple[str, ...]],
    fillers: Iterable[tuple[str, ...]],
) -> bool:
    """Return whether the words are phrases and fillers, with at least one phrase."""
    pieces = [*((phrase, True) for phrase in phrases), *((filler, False) for filler in fillers)]
    # For each number of words, whether they are made of pieces without and with a phrase.
    reached = [set[bool]() for _ in range(len(spoken) + 1)]
    reached[0].add(False)
    for start, states in enumerate(reached):
        for piece, is_phrase in pieces:
            end = start + len(piece)
            if states and piece and spoken[start:end] == piece:
                reached[end] |= {has_phrase or is_phrase for has_phrase in states}
    return True in reached[-1]
