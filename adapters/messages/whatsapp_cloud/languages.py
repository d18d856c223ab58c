"""The language of the template that is closest to the one that a client asked for.

Meta writes a language as en, en_US or zh_HK, and clients as BCP 47 has it: pt-BR, zh-Hant.
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/supported-languages
"""

from collections.abc import Sequence
from typing import Final

from domain.otp.messages import locale_fallbacks

_CHINESE: Final = "zh"
_TRADITIONAL: Final = f"{_CHINESE}-Hant"


def closest_language(languages: Sequence[str], locale: str | None) -> str:
    """Return the language of the operator's that is closest to a locale.

    - The lookup of RFC 4647, section 3.4, comes first: pt-BR finds pt_BR, then pt.
    - Then any other region of the language will do: pt and pt-AO find pt_BR. Chinese in the same
      script is better than in the other one.
    - Otherwise the first one is used.
    """
    wanted = locale_fallbacks(locale)
    by_locale = {language.replace("_", "-"): language for language in languages}
    for candidate in wanted:
        if candidate in by_locale:
            return by_locale[candidate]
    if not wanted:
        return languages[0]
    base = wanted[-1]
    related = [language for language in languages if language.split("_")[0] == base]
    related.sort(key=lambda language: _is_traditional(language) != _is_traditional(wanted[0]))
    return next(iter(related), languages[0])


def _is_traditional(locale: str) -> bool:
    return _TRADITIONAL in {
        "-".join(candidate.split("-")[:2]) for candidate in locale_fallbacks(locale)
    }
