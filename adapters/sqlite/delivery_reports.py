"""Delivery reports in SQLite."""

from dataclasses import dataclass
from datetime import datetime

from adapters.sqlite.record_table import RecordTable
from application.ports.versioned import Versioned
from domain.otp.delivery_report import DeliveryReport


@dataclass(frozen=True, slots=True)
class SqliteDeliveryReports:
    """Delivery reports by id."""

    table: RecordTable[DeliveryReport]

    async def load(self, report_id: str) -> Versioned[DeliveryReport] | None:
        """Load the report, or return None."""
        return await self.table.load(report_id)

    async def add(self, report: DeliveryReport) -> bool:
        """Add the report at version 1, unless its id is taken."""
        return await self.table.add(report.id, report)

    async def replace(self, report: DeliveryReport, version: int) -> bool:
        """Replace the report if it has this version."""
        return await self.table.replace(report.id, report, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reports, and return their number."""
        return await self.table.delete_expired(now, limit)
