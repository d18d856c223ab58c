"""A price list from a file, and its validation as a whole."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from adapters.shared.files import read_text_file
from application.ports.errors import ConfigurationError
from domain.countries import ALL_COUNTRIES
from domain.features.statistics.prices import MAX_PRICE, PriceList
from domain.otp.delivery import Channel

CURRENCY: Final = "currency"
_CURRENCY_CODE: Final = re.compile(r"[A-Z]{3}")
_COUNTRY_CODE: Final = re.compile(r"[A-Z]{2}")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
"""What TOML takes as a key without quotes."""
_NOT_PROVIDERS: Final = frozenset([*Channel, CURRENCY])
_CHANNELS: Final = "sms, voice and whatsapp"


class InvalidPrices(ConfigurationError):
    """A file that cannot be used; `lines` has all problems, each with the file."""

    def __init__(self, file: Path, problems: Sequence[str]) -> None:
        """Make an error of all problems."""
        self.lines = tuple(f"{file}: {problem}" for problem in problems)
        super().__init__("; ".join(self.lines))


def read_prices(file: Path) -> PriceList:
    """Read and validate a price list.

    Raises:
        InvalidPrices: with all problems.
    """
    try:
        document = tomllib.loads(read_text_file(file))
    except OSError as error:
        raise InvalidPrices(file, [f"it cannot be read ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise InvalidPrices(file, ["it is not UTF-8 text"]) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidPrices(file, [f"it is not TOML: {error}"]) from error
    if problems := list(_find_problems(document)):
        raise InvalidPrices(file, problems)
    prices: dict[tuple[str, Channel], int] = {}
    own_prices: dict[tuple[str, Channel, str], int] = {}
    for country, table in document.items():
        if country == CURRENCY:
            continue
        for name, entered in table.items():
            if isinstance(entered, dict):
                for channel, price in entered.items():
                    own_prices[country, Channel(channel), name] = price
            else:
                prices[country, Channel(name)] = entered
    return PriceList(document[CURRENCY], prices, own_prices)


def _find_problems(document: Mapping[str, Any]) -> Iterator[str]:
    currency = document.get(CURRENCY)
    if not isinstance(currency, str) or not _CURRENCY_CODE.fullmatch(currency):
        yield 'it needs a line like currency = "USD", with the ISO 4217 code of the currency'
    has_sms_price = False
    for name, table in document.items():
        if name == CURRENCY:
            continue
        if name not in ALL_COUNTRIES:
            if _COUNTRY_CODE.fullmatch(name):
                yield f"{name} is not the ISO code of a country with phone numbers"
            else:
                yield (
                    f"{name!a} is unknown: it is neither currency nor a table like [IN], or "
                    "[IN.twilio] with the prices of a provider in a country"
                )
        elif not isinstance(table, dict):
            yield f"{name}: prices of a country are a table like [{name}], with {_CHANNELS}"
        else:
            tables = [each for each in table.values() if isinstance(each, dict)]
            has_sms_price |= any(Channel.SMS.value in each for each in (table, *tables))
            yield from _find_country_problems(name, table)
    if not has_sms_price:
        yield "no country has a price of sms: the highest one is that of all other countries"


def _find_country_problems(country: str, table: Mapping[str, Any]) -> Iterator[str]:
    general = {}
    for name, entered in table.items():
        if isinstance(entered, dict) and name not in _NOT_PROVIDERS:
            provider = name if _BARE_KEY.fullmatch(name) else f"{name!a}"
            yield from _find_table_problems(f"{country}.{provider}", entered)
        else:
            general[name] = entered
    if general or not table:
        yield from _find_table_problems(country, general)


def _find_table_problems(place: str, table: Mapping[str, Any]) -> Iterator[str]:
    if not table:
        yield f"{place}: it has no price"
    for key, price in table.items():
        if key == CURRENCY:
            yield (
                f"{place}.{key}: all prices are in one currency, that of the first line of the "
                "file, because costs are added up. Convert the prices, and remove this line"
            )
        elif key not in [*Channel]:
            yield f"{place}: {key!a} is unknown; there are {_CHANNELS}"
        elif type(price) is not int:  # true is an integer for Python
            yield f"{place}.{key}: a price is a whole number of millionths, like 8300 for 0.0083"
        elif not 0 <= price <= MAX_PRICE:
            yield f"{place}.{key}: a price is at least 0 and at most {MAX_PRICE}"
