"""The repository of delivery reports."""

from datetime import datetime
from typing import Protocol

from application.ports.versioned import Versioned
from domain.otp.delivery_report import DeliveryReport


class DeliveryReports(Protocol):
    """Delivery reports by id."""

    async def load(self, report_id: str) -> Versioned[DeliveryReport] | None:
        """Load the report, or None.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def add(self, report: DeliveryReport) -> bool:
        """Add a report with version 1, and return False where its id exists.

        Raises:
            StorageError
        """
        ...

    async def replace(self, report: DeliveryReport, version: int) -> bool:
        """Replace the report if it still has this version, and return whether it had.

        Raises:
            StorageError
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reports, and return their number.

        Raises:
            StorageError
        """
        ...
