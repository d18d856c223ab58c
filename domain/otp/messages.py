"""Texts of messages: what a client says about them, and their length as an SMS."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import InvalidValue
from domain.otp.language_codes import TWO_LETTER_CODES

APP_HASH_LENGTH: Final = 11
_APP_HASH: Final = re.compile(rf"[A-Za-z0-9+/]{{{APP_HASH_LENGTH}}}")
# The part of BCP 47 (RFC 5646) that selects a template. POSIX, Java and Accept-Language append
# more, which is ignored.
_LOCALE: Final = re.compile(
    r"\s*(?P<language>[A-Za-z]{2,3})"
    r"(?:[-_](?P<script>[A-Za-z]{4}))?"
    r"(?:[-_](?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:[^A-Za-z0-9].*)?",
    re.DOTALL,
)
MAX_LOCALE_LENGTH: Final = 100
_LANGUAGES: Final = "A language is written like en, pt-BR or zh-Hant."
# Codes that ISO 639-1 withdrew and Java still sends.
_FORMER_LANGUAGES: Final = {"in": "id", "iw": "he", "ji": "yi"}
_REPLACED_LANGUAGES: Final = TWO_LETTER_CODES | _FORMER_LANGUAGES
# Regions with Traditional Chinese (CLDR, likely subtags).
_TRADITIONAL_CHINESE_REGIONS: Final = ("HK", "MO", "TW")


class Platform(StrEnum):
    """The software that reads the code from the message; `GENERAL` is for people."""

    GENERAL = "general"
    IOS = "ios"
    ANDROID = "android"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class MessagePreferences:
    """What a client asked for; if it is not available, the closest template is used."""

    platform: Platform = Platform.GENERAL
    locale: str | None = None
    app_hash: str | None = None


def parse_platform(text: str | None) -> Platform:
    """Return the platform with this name, in any case; `GENERAL` if there is none."""
    if not text:
        return Platform.GENERAL
    name = text.strip().lower()
    return Platform(name) if name in tuple(Platform) else Platform.GENERAL


def parse_locale(text: str) -> str:
    """Parse the locale of a template, such as en, pt-BR or zh-Hant; deu is de.

    Raises:
        InvalidValue: the text is not a locale, or not in its normal spelling.
    """
    language, hyphen, rest = text.partition("-")
    locale = f"{TWO_LETTER_CODES.get(language, language)}{hyphen}{rest}"
    if locale not in locale_fallbacks(text):
        raise InvalidValue(_LANGUAGES)
    return locale


def locale_fallbacks(text: str | None) -> tuple[str, ...]:
    """Return the locales to look for, the closest first: `pt_BR` gives pt-BR, then pt.

    - It is the lookup of RFC 4647, section 3.4. In addition, zh-Hans-HK also finds zh-HK.
    - A text that is not a locale has no fallbacks.
    """
    match = _LOCALE.fullmatch(text) if text and len(text) <= MAX_LOCALE_LENGTH else None
    if match is None:
        return ()
    language = match["language"].lower()
    language = _REPLACED_LANGUAGES.get(language, language)
    script = (match["script"] or "").capitalize()
    region = (match["region"] or "").upper()
    if language == "zh" and not script and region in _TRADITIONAL_CHINESE_REGIONS:
        script = "Hant"
    candidates = ((language, script, region), (language, region), (language, script), (language,))
    return tuple(dict.fromkeys("-".join(filter(None, parts)) for parts in candidates))


def normalize_locale(text: str | None) -> str | None:
    """Return a locale in its normal spelling: `pt_br` is pt-BR. None if it is not a locale."""
    return next(iter(locale_fallbacks(text)), None)


def parse_app_hash(text: str) -> str:
    """Parse the hash of an Android app: the first 11 characters of a Base64 text.

    https://developers.google.com/identity/sms-retriever/verify

    Raises:
        InvalidValue: the text is not an app hash.
    """
    if not _APP_HASH.fullmatch(text):
        raise InvalidValue(
            f"An app hash has {APP_HASH_LENGTH} characters: letters, digits, + and /."
        )
    return text


# The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, sections 6.2.1 and
# 6.2.1.1). National tables are left out: few carriers support them.
_GSM7_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION: Final = frozenset("\f^{}\\[~]|€")


class SmsEncoding(StrEnum):
    """The encoding of an SMS (3GPP TS 23.038, section 6.2)."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


# The units of a message with one part, and of each part of a longer one, which starts with a
# header of six bytes (3GPP TS 23.040, section 9.2.3.24.1).
_SINGLE_PART_UNITS: Final = {SmsEncoding.GSM7: 160, SmsEncoding.UCS2: 70}
_PART_UNITS: Final = {SmsEncoding.GSM7: 153, SmsEncoding.UCS2: 67}


@dataclass(frozen=True, slots=True)
class SmsLength:
    """The length of a text.

    Attributes:
        units: Septets in GSM-7, UTF-16 code units in UCS-2.
        parts: The number of messages that the carrier charges.
    """

    encoding: SmsEncoding
    units: int
    parts: int

    @property
    def size_bytes(self) -> int:
        """The encoded size, without the headers of parts."""
        if self.encoding is SmsEncoding.UCS2:
            return 2 * self.units
        return (7 * self.units + 7) // 8


def measure_sms(text: str) -> SmsLength:
    """Measure a text as carriers do.

    - One character that GSM-7 lacks makes the whole text UCS-2.
    - A character of two units is not split: if it does not fit, it starts the next part.
    """
    encoding = SmsEncoding.GSM7
    sizes = [_count_septets(character) for character in text]
    if 0 in sizes:
        # Phones decode UCS-2 as UTF-16: characters above U+FFFF take two code units.
        encoding = SmsEncoding.UCS2
        sizes = [2 if character > "\uffff" else 1 for character in text]
    units = sum(sizes)
    if units <= _SINGLE_PART_UNITS[encoding]:
        return SmsLength(encoding, units, 1)
    return SmsLength(encoding, units, _count_parts(sizes, _PART_UNITS[encoding]))


def _count_septets(character: str) -> int:
    if character in _GSM7_BASIC:
        return 1
    # The extension table is reached by an escape septet; 0 stands for "not in GSM-7".
    return 2 if character in _GSM7_EXTENSION else 0


def _count_parts(sizes: Sequence[int], part_units: int) -> int:
    parts, free_units = 1, part_units
    for size in sizes:
        if size > free_units:
            parts, free_units = parts + 1, part_units
        free_units -= size
    return parts
