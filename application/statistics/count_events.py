"""Security events are counted by hour."""

from dataclasses import dataclass

from application.identities.events import LoginSucceeded
from application.otp.events import OtpAccepted, OtpDelivered, OtpUnconfirmed, OtpUndelivered
from application.ports.security_events import RejectionEvent, SecurityEvent
from application.ports.system import Clock
from domain.statistics.hourly_counts import UNKNOWN, DeliveryCounts, HourlySums
from domain.statistics.period_sums import DeliveryGroup


@dataclass(frozen=True, slots=True)
class CountEventsByHour:
    """Count each event by its name; messages and logins by country, channel and provider.

    - A rejection is counted by its limit.
    - No phone, no IP and no id is kept.
    - It waits for nothing: what was counted is written later.
    """

    sums: HourlySums
    clock: Clock

    def record(self, event: SecurityEvent) -> None:
        now = self.clock.now()
        self.sums.add_event(now, event.name)
        match event:
            case OtpAccepted() | OtpUnconfirmed():
                counts = DeliveryCounts(sent=1)
            case OtpDelivered():
                counts = DeliveryCounts(delivered=1)
            case OtpUndelivered():
                counts = DeliveryCounts(undelivered=1)
            case LoginSucceeded():
                counts = DeliveryCounts(logins=1)
            case RejectionEvent():
                if event.limit:
                    self.sums.add_rejection(now, event.limit)
                return
            case _:
                return
        country, provider = event.country or UNKNOWN, event.provider or UNKNOWN
        self.sums.add_delivery(now, DeliveryGroup(country, event.channel, provider), counts)
