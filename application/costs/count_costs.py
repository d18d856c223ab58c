"""Count what messages and calls cost."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from application.ports.costs import CostMeter
from application.ports.system import Clock
from domain.costs.prices import PriceList
from domain.costs.sums import Costs, CostSums
from domain.otp.delivery import Channel
from domain.otp.message_parts import message_parts

MAX_CALL_SECONDS: Final = 86_400
"""No provider connects two phones for longer than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCosts:
    """Count what a message or a call costs, in memory. It never waits and never raises.

    - Without a price list nothing is counted, and nothing of a provider that costs nothing.
    - A minute that began is a whole one, as providers charge it.
    """

    sums: CostSums
    prices: PriceList | None
    free_providers: Collection[str]
    clock: Clock
    meter: CostMeter | None = None

    def count_message(self, country: str, provider: str, text: str) -> None:
        """Count a message that a provider took, or may have taken."""
        if self.prices is None or provider in self.free_providers:
            return
        parts = message_parts(text)
        millionths = parts * self.prices.price(country, Channel.SMS)
        costs = Costs(messages=1, parts=parts, millionths=millionths)
        self._add(country, Channel.SMS, provider, costs)

    def count_call(self, country: str, provider: str, seconds: float) -> None:
        """Count a call that was answered and has ended."""
        if self.prices is None or provider in self.free_providers:
            return
        # In this order, something that is not a number is a second.
        minutes = math.ceil(min(max(1, seconds), MAX_CALL_SECONDS) / 60)
        millionths = minutes * self.prices.price(country, Channel.VOICE)
        self._add(country, Channel.VOICE, provider, Costs(minutes=minutes, millionths=millionths))

    def _add(self, country: str, channel: Channel, provider: str, costs: Costs) -> None:
        today = self.clock.now().astimezone(UTC).date()
        self.sums.add(today, country, channel, provider, costs)
        if self.meter is not None:
            self.meter.add(country, provider, channel, costs.millionths)
