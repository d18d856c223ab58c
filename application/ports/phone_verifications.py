"""The repository of phone verifications."""

from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


class PhoneVerifications(Protocol):
    """The verification of each phone, found by the phone."""

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        """Load the verification. A phone without one has an empty one with version 0.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Replace the verification if it still has this version, and return whether it had.

        - After True it is durable.
        - Version 0 adds it if there is none.
        - A version is never used again, even after the record was deleted and added anew.

        Raises:
            StorageError
        """
        ...

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` verifications whose `client_ips_expire_at` passed.

        A verification that is replaced meanwhile is left to the next call.

        Returns:
            The number of pruned verifications.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` verifications whose `expires_at` passed, and return their number.

        Raises:
            StorageError
        """
        ...
