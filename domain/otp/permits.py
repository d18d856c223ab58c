"""What a delivery holds of the limits that many phones share."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Recognition(StrEnum):
    """How it is known that a request probably comes from the owner of the phone's identity."""

    NONE = "none"
    TRUSTED_IP = "trusted_ip"
    DEVICE = "device"
    VERIFICATION = "verification"
    """It is not known: a service token asks for somebody, whatever IP it names."""


class Clients(StrEnum):
    """Whose limit it is: each of these has windows of its own.

    A phone with a fixed code has none: nothing is sent to it, and only the IP counts.
    """

    STRANGERS = "strangers"
    RECOGNIZED = "recognized"
    ATTESTED = "attested"
    VERIFICATION = "verification"
    FIXED_CODE = "fixed_code"


class Outcome(StrEnum):
    """What became of a delivery."""

    LOGIN = "login"
    """Its code was used."""
    REJECTED_FOR_RECIPIENT = "rejected_for_recipient"
    """The provider rejected the number or the message."""
    REJECTED_FOR_US = "rejected_for_us"
    """The provider rejected this account, or has a fault. No number can cause that."""
    NO_CONNECTION = "no_connection"
    """No provider was reached."""


@dataclass(frozen=True, slots=True)
class Permits:
    """The permits that a delivery acquired: at this time, of the limits of these clients.

    The update that ends what holds them clears them. Only the process whose update won releases
    them, so they are released once. If it is killed in between, they expire.
    """

    acquired_at: datetime
    clients: Clients
