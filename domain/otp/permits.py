"""What a delivery, a callback or a line holds of the limits that many phones share."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Recognition(StrEnum):
    """How it is known that a request probably comes from the owner of the phone's identity."""

    NONE = "none"
    TRUSTED_IP = "trusted_ip"
    DEVICE = "device"


class Outcome(StrEnum):
    """What became of a delivery or callback, so that it gives permits back."""

    LOGIN = "login"
    """Its code was used."""
    REJECTED = "rejected"
    """The provider rejected the number or the message."""
    UNAVAILABLE = "unavailable"
    """No provider was reached, or none served this account. Nobody could cause that by a number."""


@dataclass(frozen=True, slots=True)
class UsedPart:
    """The part of a group of limits that a permit was acquired in."""

    group: str
    part: str


@dataclass(frozen=True, slots=True)
class Permits:
    """The permits that a delivery, a callback or a line acquired. A release is computed from them.

    - The update that ends what holds them clears them. Only the process whose update won releases
      them, so they are released once. If it is killed in between, they expire.
    - A delivery to a test phone has no parts: it holds the permits of its IP only.

    Attributes:
        acquired_at: When they were acquired.
        parts: The part of each group that they were acquired in.
        recognition: How the requester was recognized.
    """

    acquired_at: datetime
    parts: tuple[UsedPart, ...] = ()
    recognition: Recognition = Recognition.NONE

    def part_of(self, group: str) -> str | None:
        """Return the part that was used of a group, None if nothing was acquired of it."""
        return next((used.part for used in self.parts if used.group == group), None)
