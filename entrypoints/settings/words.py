"""Words and names, as they are written in settings."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from domain.countries import ALL_COUNTRIES, parse_country
from domain.errors import ValueRefused
from entrypoints.settings.kinds import Sender
from entrypoints.settings.variable import listed

E = TypeVar("E", bound=StrEnum)
LONGEST_APP_NAME = 30


def one_of(choices: type[E]) -> Callable[[str], E]:
    """Make a reader of one of these words, in capitals or not."""

    def read(text: str) -> E:
        try:
            return choices(text.lower())
        except ValueError as error:
            raise ValueRefused(f"Takes {' or '.join(choices)}.") from error

    return read


def read_yes_or_no(text: str) -> bool:
    """Read yes or no."""
    if text.lower() not in ("yes", "no"):
        raise ValueRefused("Takes yes or no.")
    return text.lower() == "yes"


def read_sender(text: str) -> Sender:
    """Read the name of a shipped sender."""
    instead = "it takes console."
    if "," in text:
        raise ValueRefused(f"This version has no list of senders in order yet; {instead}")
    if text.lower() == "twilio":
        raise ValueRefused(f"This version has no Twilio yet; {instead}")
    if ":" in text:
        raise ValueRefused(f"This version has no senders of one's own yet; {instead}")
    return one_of(Sender)(text)


def read_countries(text: str) -> frozenset[str]:
    """Read ISO codes with commas between them, or `*` for every country."""
    return ALL_COUNTRIES if text == "*" else frozenset(listed(parse_country)(text))


def read_app_name(text: str) -> str:
    """Read the name that messages carry; what cannot be printed never gets this far."""
    if len(text) > LONGEST_APP_NAME:
        raise ValueRefused(f"Takes a name of at most {LONGEST_APP_NAME} characters.")
    return text
