"""The scripts of a name (UAX 24), and which of them are written together (UTS 39)."""

import unicodedata
from typing import Final

from confusable_homoglyphs.categories import alias

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
