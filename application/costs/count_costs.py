"""Count what messages and calls cost."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from application.otp.extensions import EndedCall, SentMessage
from application.ports.statistics import CostMeter
from application.ports.system import Clock
from domain.costs.prices import PriceList
from domain.costs.sums import Costs, CostSums
from domain.otp.delivery import Channel
from domain.otp.message_parts import message_parts
from domain.statistics.hourly_counts import HourlySums
from domain.statistics.period_sums import DeliveryGroup

MAX_CALL_SECONDS: Final = 86_400
"""No provider connects two phones for longer than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCosts:
    """Count what a message or a call costs, in memory. It never waits and never raises.

    - Nothing is counted without a price list, nor for a provider that costs nothing.
    - A message by WhatsApp is one part, whatever its text.
    - A minute that began is a whole one, as providers charge it.
    """

    sums: CostSums
    prices: PriceList | None
    free_providers: Collection[str]
    clock: Clock
    meters: Sequence[CostMeter] = ()

    def __call__(self, counted: SentMessage | EndedCall) -> None:
        """Count a message or a call."""
        if self.prices is None or counted.provider in self.free_providers:
            return
        price = self.prices.price(counted.country, counted.channel, counted.provider)
        if isinstance(counted, SentMessage):
            is_by_part = counted.channel is not Channel.WHATSAPP
            parts = message_parts(counted.text) if is_by_part else 1
            costs = Costs(messages=1, parts=parts, millionths=parts * price)
        else:
            # In this order, something that is not a number is a second.
            minutes = math.ceil(min(max(1, counted.seconds), MAX_CALL_SECONDS) / 60)
            costs = Costs(minutes=minutes, millionths=minutes * price)
        today = self.clock.now().astimezone(UTC).date()
        group = DeliveryGroup(counted.country, counted.channel, counted.provider)
        self.sums.add(today, group, costs)
        for meter in self.meters:
            meter.add(group, costs.millionths)


@dataclass(frozen=True, slots=True)
class CountCostsByHour:
    """Count costs with the messages of the hour, so that a code that is entered has a price."""

    sums: HourlySums
    clock: Clock

    def add(self, group: DeliveryGroup, millionths: int) -> None:
        """Add an amount to this hour."""
        self.sums.add_cost(self.clock.now(), group, millionths)
