"""Delivery reports in MongoDB."""

from dataclasses import dataclass
from datetime import datetime

from adapters.mongo.documents import DeliveryReportDocument
from adapters.mongo.record_collection import RecordCollection
from application.ports.versioned import Versioned
from domain.otp.delivery_report import DeliveryReport


@dataclass(frozen=True, slots=True)
class MongoDeliveryReports:
    """Delivery reports by id."""

    records: RecordCollection[DeliveryReport]

    async def load(self, report_id: str) -> Versioned[DeliveryReport] | None:
        """Return the report, or None."""
        return await self.records.load(report_id)

    async def add(self, report: DeliveryReport) -> bool:
        """Add a new report at version 1, unless its id is taken."""
        return await self.records.add(report.id, report)

    async def replace(self, report: DeliveryReport, version: int) -> bool:
        """Replace the report if it has this version."""
        return await self.records.replace(report.id, report, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reports."""
        return await self.records.database.delete_expired(DeliveryReportDocument, now, limit)
