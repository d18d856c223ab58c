"""The repository of delivery reports."""

from datetime import datetime
from typing import Protocol

from application.ports.versioned import Records
from domain.otp.delivery_report import DeliveryReport


class DeliveryReports(Records[DeliveryReport], Protocol):
    """Delivery reports by id."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reports, and return their number.

        Raises:
            StorageError
        """
        ...
