"""Texts that look alike, and the scripts that are written together (UTS 39)."""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from confusable_homoglyphs.categories import alias

from domain.default_ignorable import drop_default_ignorable

# Of all scripts, and characters that are newer than the data: they are emoji above all.
_ANY_SCRIPT: Final = {"COMMON", "INHERITED", "Unknown"}
_WRITTEN_TOGETHER: Final = (
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
)


def script_of(character: str) -> str:
    """Return the name of the script, in capitals. A mathematical letter has that of the letter."""
    if unicodedata.decomposition(character).startswith("<font>"):
        character = unicodedata.normalize("NFKC", character)[0]
    script: str = alias(character)
    return script


def is_highly_restrictive(text: str) -> bool:
    """Return whether the scripts are at most "highly restrictive" (UTS 39, 5.2).

    That is one script, or those of Japanese, Chinese or Korean together with Latin.
    """
    if text.isascii():
        return True
    scripts = set(map(script_of, text)) - _ANY_SCRIPT
    return len(scripts) <= 1 or any(map(scripts.issubset, _WRITTEN_TOGETHER))


_LEFT_TO_RIGHT_MARK: Final = "\u200e"


def caseless_skeletons(text: str) -> tuple[str, str]:
    """Return texts that are the same for all texts that look alike in some capitalization.

    `ADMlN` looks like `ADMIN`, and `adm1n` like `admIn`, so both have the skeleton of `admin`.
    Spaces are dropped. The second skeleton is that of letters of other widths and styles made
    plain (NFKC), the first that of the text as it is: NFKC can make a letter of what looks like
    another one. Mostly they are the same.
    """
    as_it_is, plain = (
        _caseless_skeleton("".join(spelling.split()))
        for spelling in (text, unicodedata.normalize("NFKC", text))
    )
    return as_it_is, plain


def _caseless_skeleton(text: str) -> str:
    return _skeleton(_skeleton(_skeleton(text).upper()).casefold())


def _skeleton(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", drop_default_ignorable(text))
    return unicodedata.normalize("NFD", decomposed.translate(_prototypes()))


# Not a constant: commands that parse no names need not load it.
@cache
def _prototypes() -> Mapping[int, str]:
    """Return the prototype of each character that has one.

    The data lists what looks alike in both directions. A character with one entry is no prototype
    of several others, so its entry is its prototype. Either of two that look like nothing else can
    be the prototype of both.
    """
    from confusable_homoglyphs.utils import load  # which imports an HTTP client

    look_alikes: dict[str, list[str]] = {}
    for text, entries in load("confusables.json").items():
        # Right-to-left characters are between marks.
        others = [entry["c"].strip(_LEFT_TO_RIGHT_MARK) for entry in entries]
        look_alikes.setdefault(text.strip(_LEFT_TO_RIGHT_MARK), []).extend(others)
    prototypes = {}
    for text, [other, *more] in look_alikes.items():
        if len(text) == 1 and not more:
            is_pair = len(other) == 1 and look_alikes[other] == [text]
            prototypes[ord(text)] = min(text, other) if is_pair else other
    return prototypes
