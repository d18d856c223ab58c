"""The channels that codes have in each country, in the order of the operator."""

from dataclasses import dataclass
from typing import Final

from domain.otp.delivery import Channel

Channels = tuple[Channel, ...]

ONLY_SMS: Final[Channels] = (Channel.SMS,)


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """Which channels a country has, and in which order messages try them.

    A call is never tried after a message: calls have limits of their own. It is only asked for.
    """

    others: Channels = (Channel.SMS, Channel.VOICE)
    by_country: tuple[tuple[str, Channels], ...] = ()

    def of(self, country: str) -> Channels:
        return next((of for name, of in self.by_country if name == country), self.others)

    @property
    def all(self) -> frozenset[Channel]:
        return frozenset().union(self.others, *(of for _, of in self.by_country))

    def plan(self, country: str, requested: Channel | None) -> Channels:
        """Return the channels that a code tries, the requested one first."""
        if requested is Channel.VOICE:
            return (Channel.VOICE,)
        messages = [channel for channel in self.of(country) if channel is not Channel.VOICE]
        if requested is None:
            return tuple(messages)
        return (requested, *(channel for channel in messages if channel is not requested))
