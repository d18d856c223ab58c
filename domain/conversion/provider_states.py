"""Which providers were left in which country, and in which order they are tried there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

STATES_ID: Final = "providers"
"""The id of the only record."""
CONVERSION: Final = "conversion"
"""The name of the random sample of other providers."""
SAMPLE_PERCENT: Final = 5
"""Which part of a country's messages each other provider gets first, and a channel that is left."""
MAX_STATES: Final = 2_000
"""How many providers of countries are left at most: all countries of eight providers."""

Alternative = tuple[str, str]
"""A channel and the name of a provider, one of those that a message may be sent by instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftProvider:
    """A provider that is left in a country.

    Attributes:
        country: The country.
        channel: The channel: a value of `Channel`.
        provider: The name of the provider.
        left_at: Since when.
        sent: How many codes of recognized phones decided it, as they were counted.
        entered: How many of them were entered.
        usual_percent: Which part of them is entered usually.
    """

    country: str
    channel: str
    provider: str
    left_at: datetime
    sent: int
    entered: int
    usual_percent: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is a state of."""
        return self.country, self.channel, self.provider


@dataclass(frozen=True, slots=True)
class ProviderStates:
    """All providers that are left, the same for all processes. A consistency boundary."""

    id: str = STATES_ID
    left: tuple[LeftProvider, ...] = ()

    def find(self, country: str, channel: str, provider: str) -> LeftProvider | None:
        """Return the state of a provider that is left, None for another one."""
        key = (country, channel, provider)
        return next((each for each in self.left if each.key == key), None)

    def leave(self, left: LeftProvider) -> "ProviderStates":
        """Return the states after a provider is left; the same ones if it already is."""
        if self.find(*left.key) is not None or len(self.left) >= MAX_STATES:
            return self
        return replace(self, left=(*self.left, left))

    def end(self, ended: LeftProvider) -> "ProviderStates":
        """Return the states after a provider returns; the same ones if it was left anew."""
        return replace(self, left=tuple([each for each in self.left if each != ended]))

    def order(self, country: str, channel: str, providers: Sequence[str]) -> Sequence[str]:
        """Return the providers in the operator's order, those that are left last.

        If all are left, the order is the operator's.
        """
        left = {
            each.provider
            for each in self.left
            if each.country == country and each.channel == channel
        }
        return sorted(providers, key=lambda name: name in left)

    def are_all_left(self, country: str, alternatives: Iterable[Alternative]) -> bool:
        """Return whether no provider of a country works as usual."""
        return all(self.find(country, *alternative) for alternative in alternatives)


def is_sampled(fraction: float, providers: Sequence[str]) -> bool:
    """Return whether a message is in the sample of another provider than the first one.

    Each of them has `SAMPLE_PERCENT` of the messages.
    """
    return fraction < (len(providers) - 1) * SAMPLE_PERCENT / 100


def is_channel_sampled(fraction: float) -> bool:
    """Return whether a message is in the sample of a channel that is left.

    It has other messages than the samples of the providers of the next channel.
    """
    return fraction >= 1 - SAMPLE_PERCENT / 100


def order_providers(order: Sequence[str], fraction: float) -> Sequence[str]:
    """Return the order for one message: that of all, or the provider of its sample first.

    Args:
        order: The order of all messages.
        fraction: A number from 0 to 1 that is random for clients.
    """
    if not is_sampled(fraction, order):
        return order
    others = order[1:]
    sampled = others[min(int(fraction * 100 / SAMPLE_PERCENT), len(others) - 1)]
    return (sampled, *[name for name in order if name != sampled])
