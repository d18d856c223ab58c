"""A code that was sent by WhatsApp, and a number that WhatsApp does not reach."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.channel_order import Channels
from domain.otp.message_preferences import MessagePreferences
from domain.phone import PhoneNumber

UNREACHABLE_TTL: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppDelivery:
    """A message by WhatsApp whose code may still go by another channel.

    That happens at most once, and never after the message arrived. Whoever replaces the record with
    the one that `fall_back` returns, sends the code.

    Attributes:
        id: Names it in what the provider reports.
        phone: Where the code goes.
        preferences: What the client asked for.
        next_channels: What is tried if it fails.
        expires_at: When the code expires.
        delivered_at: When the provider reported that it arrived.
        fell_back_at: When the next channel was tried.
    """

    id: str
    phone: PhoneNumber
    preferences: MessagePreferences
    next_channels: Channels
    expires_at: datetime
    delivered_at: datetime | None = None
    fell_back_at: datetime | None = None

    @property
    def can_fall_back(self) -> bool:
        """Whether the next channel may be tried."""
        return self.delivered_at is None and self.fell_back_at is None

    def deliver(self, now: datetime) -> "WhatsAppDelivery":
        """Return the delivery whose message arrived."""
        return self if self.delivered_at else replace(self, delivered_at=now)

    def fall_back(self, now: datetime) -> "WhatsAppDelivery":
        """Return the delivery whose code goes by the next channel, itself where it must not."""
        return replace(self, fell_back_at=now) if self.can_fall_back else self


@dataclass(frozen=True, slots=True)
class UnreachableNumber:
    """A number that WhatsApp does not reach. Its id is the blind index of the number."""

    id: str
    expires_at: datetime
