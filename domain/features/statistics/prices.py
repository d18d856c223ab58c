"""What messages and calls cost, by country, channel and provider."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from domain.otp.delivery import Channel

MILLION: Final = 1_000_000
"""Prices and amounts are whole numbers of millionths of the currency."""
MAX_PRICE: Final = 1_000_000 * MILLION


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of the operator's providers.

    Each is in millionths of the currency: of a message part, of a minute that began, or of a
    message by WhatsApp, whatever its text.

    Attributes:
        currency: The ISO 4217 code of the currency of all prices.
        prices: Those of countries by channel, which all providers have that have none of their own.
        own_prices: Those of a provider in a country, by channel.
    """

    currency: str
    prices: Mapping[tuple[str, Channel], int]
    own_prices: Mapping[tuple[str, Channel, str], int] = field(default_factory=dict)

    def price(self, country: str, channel: Channel, provider: str = "") -> int:
        """Return the price of a provider in a country, which is never below what was entered.

        It is the provider's own one there, or else that of the country, or else the highest one
        that the list has for the channel, of all countries and providers.
        """
        found = self.entered(country, channel, provider)
        return self.highest(channel) if found is None else found

    def entered(self, country: str, channel: Channel, provider: str = "") -> int | None:
        """Return the price that the list has for a provider in a country; None without one."""
        general = self.prices.get((country, channel))
        return self.own_prices.get((country, channel, provider), general)

    def highest(self, channel: Channel) -> int:
        """Return the highest price of a channel; 0 if the list has none."""
        general = (price for (_, priced), price in self.prices.items() if priced is channel)
        own = (price for (_, priced, _), price in self.own_prices.items() if priced is channel)
        return max((*general, *own), default=0)

    def has(self, channel: Channel) -> bool:
        """Return whether the list has any price of a channel."""
        return any(priced is channel for _, priced, *_ in (*self.prices, *self.own_prices))

    @property
    def providers(self) -> Set[str]:
        """The providers with a price of their own."""
        return {provider for _, _, provider in self.own_prices}


def format_amount(millionths: int) -> str:
    """Return an amount with all of its six decimals, and thousands separated by commas."""
    return f"{to_decimal(millionths):,f}"


def format_short(millionths: int) -> str:
    """Return an amount with two decimals, and with more only if it has more."""
    whole, _, decimals = format_amount(millionths).partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def to_decimal(millionths: int) -> Decimal:
    """Return an amount in the currency, with all of its six decimals."""
    return Decimal(millionths).scaleb(-6)
