"""In which form the asker wants the text."""

from dataclasses import dataclass
from enum import StrEnum


class Platform(StrEnum):
    """What reads the code out of the message; `GENERAL` is for people and unknown platforms."""

    GENERAL = "general"
    IOS = "ios"
    ANDROID = "android"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class TextForm:
    """What was asked for, and may not be there: then the next best is sent, and no error.

    `locale` is a language as clients write it; `app_hash` is the asking Android app's own.
    """

    platform: Platform = Platform.GENERAL
    locale: str | None = None
    app_hash: str | None = None


def platform_named(text: str | None) -> Platform:
    """Give the platform of this name, whatever its capitals; `GENERAL` when there is none."""
    try:
        return Platform((text or "").strip().lower())
    except ValueError:
        return Platform.GENERAL
