"""Parser of the setting that names the channels of each country."""

from typing import Final

from domain.errors import InvalidValue
from domain.otp.channel_order import Channels
from domain.otp.delivery import Channel
from entrypoints.settings.parsers import choice, list_of, parse_country_code

ALL_OTHERS: Final = "*"
"""Stands for the countries that are not named."""


_parse_channels = list_of(choice(*Channel), once="channel")


def parse_channels(text: str) -> tuple[tuple[str, Channels], ...]:
    """Parse countries with their channels, like `IN=sms,voice;US,CA=sms;*=sms`."""
    found: dict[str, Channels] = {}
    for entry in text.strip().removesuffix(";").split(";"):
        names, is_assigned, channels = entry.partition("=")
        if not is_assigned:
            raise InvalidValue(
                "Must have countries, = and their channels in order, and ; between two such "
                "entries, like IN=sms,voice;*=sms."
            )
        for country in list_of(_parse_country)(names):
            if country in found:
                raise InvalidValue(f"{country} must be named once.")
            try:
                found[country] = _parse_channels(channels)
            except InvalidValue as error:
                raise InvalidValue(f"{country}: {error.message}") from None
            if Channel.VOICE in found[country][:-1]:
                raise InvalidValue(
                    f"{country}: voice must be the last channel. A call is placed only if an app "
                    "asks for it."
                )
            if Channel.SMS not in found[country]:
                raise InvalidValue(
                    f"{country} has no sms: add it, perhaps as the last channel. Codes that "
                    "change a number, and messages about it, go by SMS only."
                )
    return tuple(found.items())


def _parse_country(text: str) -> str:
    return text if text == ALL_OTHERS else parse_country_code(text)
