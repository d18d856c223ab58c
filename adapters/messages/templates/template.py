"""The text of a message, with placeholders."""

import re
from datetime import timedelta
from typing import Final, NamedTuple

from domain.errors import InvalidValue
from domain.identities.phone_change import PhoneNotice
from domain.otp.messages import Platform

_PLACEHOLDER: Final = re.compile(r"\{(?P<name>[^{}]*)\}|[{}]")
_MAX_MINUTES: Final = 99


class TemplateValues(NamedTuple):
    """The values of one message. A template has their names in braces, such as {code}."""

    code: str
    app: str
    minutes: int
    hash: str | None = None
    domain: str | None = None


_NOTICE_VALUES: Final = ("app",)
_PLATFORMS_WITH_VALUE: Final = {
    "hash": {Platform.ANDROID},
    "domain": {Platform.IOS, Platform.WEB},
}
"""Platforms whose messages have the value. Messages of all platforms have the others."""


def parse_template(platform: Platform, text: str) -> str:
    """Parse the template of a platform. `str.format` renders it: there are no other braces.

    Raises:
        InvalidValue: braces are around another word or alone, or the platform's messages have no
            value for a placeholder.
    """
    if unknown := _find_other_braces(text, TemplateValues._fields):
        known = _in_braces(TemplateValues._fields)
        raise InvalidValue(f"{unknown} is not a placeholder; there are {known}.")
    for name, platforms in _PLATFORMS_WITH_VALUE.items():
        if f"{{{name}}}" in text and platform not in platforms:
            raise InvalidValue(f"{{{name}}} is not allowed in a template for {platform}.")
    return text


def parse_notice(notice: PhoneNotice, text: str) -> str:
    """Parse the template of a message without a one-time code. `str.format` renders it, too.

    Raises:
        InvalidValue: braces are around another word or alone.
    """
    if unknown := _find_other_braces(text, _NOTICE_VALUES):
        known = _in_braces(_NOTICE_VALUES)
        raise InvalidValue(f"{unknown} is not a placeholder of {notice}, which may have {known}.")
    return text


def find_former_placeholder(text: str) -> str | None:
    """Return a word in braces that is the value of no message, or None."""
    unknown = _find_other_braces(text, TemplateValues._fields)
    return unknown if unknown and unknown.strip("{}").isidentifier() else None


def whole_minutes(lifetime: timedelta) -> int:
    """Return the whole minutes of a code's lifetime, from 1 to 99."""
    return min(max(1, lifetime // timedelta(minutes=1)), _MAX_MINUTES)


def _find_other_braces(text: str, names: tuple[str, ...]) -> str | None:
    matches = _PLACEHOLDER.finditer(text)
    return next((match[0] for match in matches if match["name"] not in names), None)


def _in_braces(names: tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
