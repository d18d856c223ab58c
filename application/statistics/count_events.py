"""Security events are counted by hour."""

from dataclasses import dataclass
from typing import Final, Unpack

from application.ports.system import (
    Clock,
    SecurityEventDetails,
    SecurityEventType,
)
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import UNKNOWN, DeliveryCounts, DeliveryGroup, HourlySums

_COUNTED: Final = {
    SecurityEventType.OTP_ACCEPTED: DeliveryCounts(sent=1),
    SecurityEventType.OTP_UNCONFIRMED: DeliveryCounts(sent=1),
    SecurityEventType.OTP_DELIVERED: DeliveryCounts(delivered=1),
    SecurityEventType.OTP_UNDELIVERED: DeliveryCounts(undelivered=1),
    SecurityEventType.LOGIN_SUCCEEDED: DeliveryCounts(logins=1),
}
"""What an event says of a message."""
_REJECTIONS: Final = frozenset(
    {SecurityEventType.OTP_REQUEST_REJECTED, SecurityEventType.CALL_REJECTED}
)


@dataclass(frozen=True, slots=True)
class CountEventsByHour:
    """Count each event by its type; messages and logins by country, channel and provider.

    - A rejection is counted by its limit.
    - No phone, no IP and no id is kept.
    - It waits for nothing: what was counted is written later.
    """

    sums: HourlySums
    clock: Clock

    def emit(self, event: SecurityEventType, **details: Unpack[SecurityEventDetails]) -> None:
        """Count an event."""
        now = self.clock.now()
        self.sums.add_event(now, event.value)
        if event in _COUNTED:
            self.sums.add_delivery(now, _find_group(details), _COUNTED[event])
        if event in _REJECTIONS and (limit := details.get("limit")):
            self.sums.add_rejection(now, limit)


def _find_group(details: SecurityEventDetails) -> DeliveryGroup:
    phone = details.get("phone")
    country = details.get("country") or (phone.country if phone else "")
    channel, provider = details.get("channel", Channel.SMS), details.get("provider")
    return DeliveryGroup(country or UNKNOWN, channel, provider or UNKNOWN)
