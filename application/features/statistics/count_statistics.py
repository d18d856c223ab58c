"""Count messages, logins and rejections, and what messages and calls cost."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from application.identities.events import LoginSucceeded
from application.otp.events import OtpAccepted, OtpDelivered, OtpUnconfirmed, OtpUndelivered
from application.otp.extensions import EndedCall, SentMessage
from application.ports.security_events import RejectionEvent, SecurityEvent
from application.ports.system import Clock
from domain.features.statistics.period_sums import UNKNOWN, Counts, DeliveryGroup, PeriodSums
from domain.features.statistics.prices import PriceList
from domain.otp.delivery import Channel
from domain.otp.message_parts import message_parts

MAX_CALL_SECONDS: Final = 86_400
"""No provider connects two phones for longer than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStatistics:
    """Count security events and amounts, in memory. It never waits and never raises.

    - Messages, reports and logins are counted by country, channel and provider, rejections by
      limit. No phone, no IP and no id is kept.
    - No amount is counted without a price list, nor for a provider that costs nothing.
    - A message by WhatsApp is one part, whatever its text.
    - A minute that began is a whole one, as providers charge it.

    Attributes:
        sums: Those of the hour and of the day.
        prices: The price list; None without one.
        free_providers: Providers that cost nothing.
        clock: The clock.
        meter: Counts each amount besides, such as for metrics; None for nothing.
    """

    sums: Sequence[PeriodSums]
    prices: PriceList | None
    free_providers: Collection[str]
    clock: Clock
    meter: Callable[[DeliveryGroup, int], None] | None

    def record(self, event: SecurityEvent) -> None:
        match event:
            case OtpAccepted() | OtpUnconfirmed():
                counts = Counts(sent=1)
            case OtpDelivered():
                counts = Counts(delivered=1)
            case OtpUndelivered():
                counts = Counts(undelivered=1)
            case LoginSucceeded():
                counts = Counts(logins=1)
            case RejectionEvent():
                if event.limit:
                    now = self.clock.now()
                    for sums in self.sums:
                        sums.add_rejection(now, event.limit)
                return
            case _:
                return
        country, provider = event.country or UNKNOWN, event.provider or UNKNOWN
        self._add(DeliveryGroup(country, event.channel, provider), counts)

    def count_cost(self, counted: SentMessage | EndedCall) -> None:
        """Count what a message or a call costs."""
        if self.prices is None or counted.provider in self.free_providers:
            return
        price = self.prices.price(counted.country, counted.channel, counted.provider)
        if isinstance(counted, SentMessage):
            is_by_part = counted.channel is not Channel.WHATSAPP
            amount = price * (message_parts(counted.text) if is_by_part else 1)
            counts = Counts(millionths=amount)
        else:
            # In this order, something that is not a number is a second.
            amount = price * math.ceil(min(max(1, counted.seconds), MAX_CALL_SECONDS) / 60)
            counts = (
                Counts(millionths=amount) if counted.has_code else Counts(line_millionths=amount)
            )
        group = DeliveryGroup(counted.country, counted.channel, counted.provider)
        self._add(group, counts)
        if self.meter is not None:
            self.meter(group, amount)

    def _add(self, group: DeliveryGroup, counts: Counts) -> None:
        now = self.clock.now()
        for sums in self.sums:
            sums.add(now, group, counts)
