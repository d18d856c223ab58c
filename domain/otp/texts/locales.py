"""Languages, as clients name them."""

import re
from typing import Final

from domain.errors import InvalidValue

# BCP 47 (RFC 5646) as far as it tells texts apart, and what POSIX, Java and lists of languages
# put behind it.
_LOCALE: Final = re.compile(
    r"\s*(?P<language>[A-Za-z]{2,3})"
    r"(?:[-_](?P<script>[A-Za-z]{4}))?"
    r"(?:[-_](?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:[^A-Za-z0-9].*)?",
    re.DOTALL,
)
_LONGEST: Final = 100
# Codes that ISO 639-1 withdrew and Java still sends.
_RENAMED: Final = {"in": "id", "iw": "he", "ji": "yi"}
# Where Chinese is written in the other script (CLDR, likely subtags).
_TRADITIONAL: Final = ("HK", "MO", "TW")


def locale_chain(text: str | None) -> tuple[str, ...]:
    """Give the names to look for, the closest first: pt-BR, then pt; none for what is no locale.

    As the lookup of RFC 4647 §3.4, which also finds a region's text where a script was named.
    """
    found = _LOCALE.fullmatch(text) if text is not None and len(text) <= _LONGEST else None
    if found is None:
        return ()
    language = found["language"].lower()
    language = _RENAMED.get(language, language)
    script = (found["script"] or "").capitalize()
    region = (found["region"] or "").upper()
    if language == "zh" and not script and region in _TRADITIONAL:
        script = "Hant"
    ways = ((language, script, region), (language, region), (language, script), (language,))
    return tuple(dict.fromkeys("-".join(filter(None, parts)) for parts in ways))


def parse_locale(text: str) -> str:
    """Read a locale that texts are kept under, like en, pt-BR or zh-Hant.

    Raises:
        InvalidValue: it is none, or not in its one spelling.
    """
    if text not in locale_chain(text):
        raise InvalidValue("A language is written like en, pt-BR or zh-Hant.")
    return text
