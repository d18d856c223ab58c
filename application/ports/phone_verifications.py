from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


class PhoneVerifications(Protocol):
    """The record of each phone, found by the phone."""

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        """Give the record; of a phone without one, an empty one at version 0.

        Raises:
            StorageUnavailable
        """
        ...

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Save the record if the stored one still has this version; say whether it had.

        True means that it is durable. Version 0 saves it only if there is none. A version never
        comes back, not even after the record was dropped and begun anew.

        Raises:
            StorageUnavailable
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Remove up to `limit` records whose `lapses_at()` has come; say how many.

        Raises:
            StorageUnavailable
        """
        ...
