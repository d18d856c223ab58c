"""A price list from a file, and its validation as a whole."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from adapters.files import read_text_file
from application.ports.errors import ConfigurationError
from domain.costs.prices import MAX_PRICE, PriceList
from domain.countries import ALL_COUNTRIES
from domain.otp.delivery import Channel

CURRENCY: Final = "currency"
_CURRENCY_CODE: Final = re.compile(r"[A-Z]{3}")
_COUNTRY_CODE: Final = re.compile(r"[A-Z]{2}")
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
    countries = {name: table for name, table in document.items() if name != CURRENCY}
    return PriceList(
        document[CURRENCY],
        {
            (country, Channel(channel)): price
            for country, table in countries.items()
            for channel, price in table.items()
        },
    )


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
                yield f"{name!a} is unknown: it is neither currency nor a table like [IN]"
        elif not isinstance(table, dict):
            yield f"{name}: prices of a country are a table like [{name}], with {_CHANNELS}"
        else:
            has_sms_price |= Channel.SMS.value in table
            yield from _find_table_problems(name, table)
    if not has_sms_price:
        yield "no country has a price of sms: the highest one is that of all other countries"


def _find_table_problems(country: str, table: Mapping[str, Any]) -> Iterator[str]:
    if not table:
        yield f"{country}: it has no price"
    for key, price in table.items():
        if key not in [*Channel]:
            yield f"{country}: {key!a} is unknown; there are {_CHANNELS}"
        elif type(price) is not int:  # true is an integer for Python
            yield f"{country}.{key}: a price is a whole number of millionths, like 8300 for 0.0083"
        elif not 0 <= price <= MAX_PRICE:
            yield f"{country}.{key}: a price is at least 0 and at most {MAX_PRICE}"
