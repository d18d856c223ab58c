"""A code that was sent by WhatsApp, and a number that WhatsApp does not reach."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.delivery_policy import Channels
from domain.otp.messages import MessagePreferences
from domain.phone import PhoneNumber

UNREACHABLE_TTL: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppDelivery:
    """A message by WhatsApp whose code may still go by another channel.

    Its `id` is in what the provider reports. It expires with the code.
    """

    id: str
    phone: PhoneNumber
    preferences: MessagePreferences
    next_channels: Channels
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UnreachableNumber:
    """A number that WhatsApp does not reach. Its id is the blind index of the number."""

    id: str
    expires_at: datetime
