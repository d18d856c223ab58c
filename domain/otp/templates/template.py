"""One text of a message, with placeholders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.errors import InvalidValue
from domain.otp.templates.preferences import Platform

_PLACEHOLDER: Final = re.compile(r"\{(?P<name>[^{}]*)\}|[{}]")
_MAX_MINUTES: Final = 99
_MINUTES_PER_DAY: Final = 24 * 60


class Placeholder(StrEnum):
    """The names that a template may have in braces, such as {code}."""

    CODE = "code"
    APP = "app"
    MINUTES = "minutes"
    HASH = "hash"
    DOMAIN = "domain"


_COMMON_PLACEHOLDERS: Final = frozenset({Placeholder.CODE, Placeholder.APP, Placeholder.MINUTES})
_ALLOWED_PLACEHOLDERS: Final = {
    Platform.GENERAL: _COMMON_PLACEHOLDERS,
    Platform.IOS: _COMMON_PLACEHOLDERS | {Placeholder.DOMAIN},
    Platform.ANDROID: _COMMON_PLACEHOLDERS | {Placeholder.HASH},
    Platform.WEB: _COMMON_PLACEHOLDERS | {Placeholder.DOMAIN},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateValues:
    """The values of the placeholders of one message.

    Attributes:
        code: The digits of the code.
        minutes: For how many whole minutes the code is valid.
        app: The name of the app.
        app_hash: The hash of the Android app, if there is one.
        domain: The domain of the website, if there is one.
    """

    code: str
    minutes: int
    app: str
    app_hash: str | None = None
    domain: str | None = None


_FIELDS: Final[Mapping[str, str]] = {
    Placeholder.CODE: "code",
    Placeholder.APP: "app",
    Placeholder.MINUTES: "minutes",
    Placeholder.HASH: "app_hash",
    Placeholder.DOMAIN: "domain",
}


@dataclass(frozen=True, slots=True)
class SmsTemplate:
    """A text, the placeholders in it, and its parts: literal text and placeholder in turn."""

    text: str
    placeholders: frozenset[Placeholder]
    parts: tuple[str, ...]

    def render(self, values: TemplateValues) -> str:
        """Replace each placeholder once; braces in a value are kept."""
        parts = list(self.parts)
        for index in range(1, len(parts), 2):
            parts[index] = str(getattr(values, _FIELDS[parts[index]]) or "")
        return "".join(parts)


def parse_template(platform: Platform, text: str) -> SmsTemplate:
    """Parse the template of a platform.

    Raises:
        InvalidValue: braces are around another word or alone, or the platform's messages have no
            value for a placeholder.
    """
    placeholders = set()
    for match in _PLACEHOLDER.finditer(text):
        if match["name"] not in tuple(Placeholder):
            known = ", ".join(f"{{{placeholder}}}" for placeholder in Placeholder)
            raise InvalidValue(f"{match[0]} is not a placeholder; there are {known}.")
        placeholders.add(Placeholder(match["name"]))
    for placeholder in Placeholder:
        if placeholder in placeholders - _ALLOWED_PLACEHOLDERS[platform]:
            raise InvalidValue(f"{{{placeholder}}} is not allowed in a template for {platform}.")
    return SmsTemplate(text, frozenset(placeholders), tuple(_PLACEHOLDER.split(text)))


def whole_minutes(lifetime: timedelta) -> int:
    """Return the whole minutes of a code's lifetime, from 1 to 99."""
    minutes = lifetime.days * _MINUTES_PER_DAY + lifetime.seconds // 60
    return min(max(1, minutes), _MAX_MINUTES)
