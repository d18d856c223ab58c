"""What a delivery costs, before it and after."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.otp.extensions import EndedCall, SentMessage
from domain.costs.prices import PriceList
from domain.otp.delivery import MAX_CODE_CALL, Channel
from domain.otp.message_parts import message_parts

_MINUTE: Final = timedelta(minutes=1)
MAX_CALL_SECONDS: Final = 86_400
"""No provider connects two phones for longer than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCosts:
    """What deliveries cost, by the prices of the operator.

    Attributes:
        prices: The prices.
        providers_of: Returns the names of the providers of a channel. A code for a channel without
            one goes by an SMS.
        free_providers: Those that cost nothing.
        max_parts: The parts of the longest message.
    """

    prices: PriceList
    providers_of: Callable[[Channel], Collection[str]]
    free_providers: Collection[str]
    max_parts: int

    def highest(self, country: str, channels: Collection[Channel], parts: int = 0) -> int:
        """Return the highest price of a delivery by one of these channels, whoever carries it.

        `parts` are those of an SMS; 0 if they are not known.
        """
        return max(self._highest(country, channel, parts) for channel in channels)

    def _highest(self, country: str, channel: Channel, parts: int) -> int:
        if not self.providers_of(channel):
            channel = Channel.SMS
        providers = {*self.providers_of(channel)} - {*self.free_providers}
        if not providers:
            return 0
        price = self.prices.highest_of(country, channel, providers)
        if channel is Channel.VOICE:
            return price * (MAX_CODE_CALL // _MINUTE)
        return price if channel is Channel.WHATSAPP else price * (parts or self.max_parts)

    def of(self, counted: SentMessage | EndedCall) -> int:
        """Return what a message or a call has cost."""
        if counted.provider in self.free_providers:
            return 0
        price = self.prices.price(counted.country, counted.channel, counted.provider)
        if isinstance(counted, SentMessage):
            is_by_part = counted.channel is not Channel.WHATSAPP
            return price * (message_parts(counted.text) if is_by_part else 1)
        # In this order, something that is not a number is a second.
        return price * math.ceil(min(max(1, counted.seconds), MAX_CALL_SECONDS) / 60)
