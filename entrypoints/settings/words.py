"""Words and names, as they are written in settings."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from domain.countries import ALL_COUNTRIES, parse_country
from domain.errors import InvalidValue
from domain.otp.templates.rules import find_link
from entrypoints.settings.factories import read_factory
from entrypoints.settings.kinds import Factory, Sender
from entrypoints.settings.variable import listed

E = TypeVar("E", bound=StrEnum)
LONGEST_APP_NAME = 30


def one_of(choices: type[E]) -> Callable[[str], E]:
    """Make a reader of one of these words, in capitals or not."""

    def read(text: str) -> E:
        try:
            return choices(text.lower())
        except ValueError as error:
            raise InvalidValue(f"Takes {' or '.join(choices)}.") from error

    return read


def matching(pattern: str, takes: str) -> Callable[[str], str]:
    """Make a reader of text of this form; `takes` is the sentence for whoever wrote another."""
    form = re.compile(pattern)

    def read(text: str) -> str:
        if not form.fullmatch(text):
            raise InvalidValue(takes)
        return text

    return read


def read_yes_or_no(text: str) -> bool:
    """Read yes or no."""
    if text.lower() not in ("yes", "no"):
        raise InvalidValue("Takes yes or no.")
    return text.lower() == "yes"


def read_senders(text: str) -> tuple[Sender | Factory, ...]:
    """Read senders with commas between them, in the order in which they are tried."""
    senders = listed(_read_sender)(text)
    if len(set(senders)) < len(senders):
        raise InvalidValue("Takes each sender once: what refused once would refuse again.")
    return senders


def _read_sender(text: str) -> Sender | Factory:
    if factory := read_factory(text):
        return factory
    try:
        return Sender(text.lower())
    except ValueError as error:
        raise InvalidValue(
            "Takes console, twilio or package.module:factory, or several with commas between."
        ) from error


def read_countries(text: str) -> frozenset[str]:
    """Read ISO codes with commas between them, or `*` for every country."""
    return ALL_COUNTRIES if text == "*" else frozenset(listed(parse_country)(text))


def read_app_name(text: str) -> str:
    """Read the name that messages carry; what cannot be printed never gets this far."""
    if len(text) > LONGEST_APP_NAME:
        raise InvalidValue(f"Takes a name of at most {LONGEST_APP_NAME} characters.")
    if find_link(text):
        raise InvalidValue("Takes a name that phones make no link of: no dot between two words.")
    return text
