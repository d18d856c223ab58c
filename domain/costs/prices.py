"""What a message part and a minute of a call cost, by country."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.otp.delivery import Channel

MILLION: Final = 1_000_000
"""Prices and amounts are whole numbers of millionths of the currency."""
MAX_PRICE: Final = 1_000_000 * MILLION


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of the operator's providers.

    Attributes:
        currency: The ISO 4217 code of the currency of all prices.
        prices: Millionths by country and channel: of a message part, or of a minute that began.
    """

    currency: str
    prices: Mapping[tuple[str, Channel], int]

    def price(self, country: str, channel: Channel) -> int:
        """Return the price, or the highest one of the channel where the country has none."""
        price = self.prices.get((country, channel))
        return self.highest(channel) if price is None else price

    def highest(self, channel: Channel) -> int:
        """Return the highest price of a channel; 0 if no country has one."""
        of_channel = [price for (_, priced), price in self.prices.items() if priced is channel]
        return max(of_channel, default=0)

    def has(self, channel: Channel) -> bool:
        """Return whether any country has a price of a channel."""
        return any(priced is channel for _, priced in self.prices)

    def lacks(self, country: str, channel: Channel) -> bool:
        """Return whether the country has no price of its own."""
        return (country, channel) not in self.prices


def format_amount(millionths: int) -> str:
    """Return an amount with all of its six decimals, and thousands separated by commas."""
    return f"{to_decimal(millionths):,f}"


def to_decimal(millionths: int) -> Decimal:
    """Return an amount in the currency, with all of its six decimals."""
    return Decimal(millionths).scaleb(-6)
