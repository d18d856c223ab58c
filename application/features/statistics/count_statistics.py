"""Count messages, logins and rejections."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.identities.events import LoginSucceeded
from application.otp.events import OtpAccepted, OtpDelivered, OtpUnconfirmed, OtpUndelivered
from application.ports.security_events import RejectionEvent, SecurityEvent
from application.ports.system import Clock
from domain.features.statistics.period_sums import UNKNOWN, Counts, DeliveryGroup, PeriodSums


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStatistics:
    """Count security events, in memory. It never waits and never raises.

    - Messages, reports and logins are counted by country, channel and provider, rejections by
      limit. No phone, no IP and no id is kept.

    Attributes:
        sums: Those of the hour and of the day.
        clock: The clock.
    """

    sums: Sequence[PeriodSums]
    clock: Clock

    def record(self, event: SecurityEvent) -> None:
        now = self.clock.now()
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
                    for sums in self.sums:
                        sums.add_rejection(now, event.limit)
                return
            case _:
                return
        country, provider = event.country or UNKNOWN, event.provider or UNKNOWN
        group = DeliveryGroup(country, event.channel, provider)
        for sums in self.sums:
            sums.add(now, group, counts)
