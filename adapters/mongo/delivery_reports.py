"""Delivery reports in MongoDB."""

from datetime import datetime

from adapters.mongo.batch_loader import DocumentLoader
from adapters.mongo.database import Database
from adapters.mongo.documents import DeliveryReportDocument
from adapters.mongo.driver import DuplicateKey, MotorCollection
from adapters.mongo.record_mapping import RecordMapping
from application.ports.versioned import Versioned
from domain.otp.delivery_report import DeliveryReport
from domain.values import dataclass


@dataclass(frozen=True, slots=True)
class MongoDeliveryReports:
    """Delivery reports by id."""

    database: Database
    collection: MotorCollection
    loader: DocumentLoader
    mapping: RecordMapping[DeliveryReport]

    async def load(self, report_id: str) -> Versioned[DeliveryReport] | None:
        """Return the report, or None."""
        document = await self.loader.load(report_id)
        return self.mapping.decode(document) if document else None

    async def add(self, report: DeliveryReport) -> bool:
        """Save a new report; False when its id exists."""
        try:
            await self.database.run(
                lambda: self.collection.insert_one(self.mapping.encode(report, 1))
            )
        except DuplicateKey:
            return False
        return True

    async def replace(self, report: DeliveryReport, version: int) -> bool:
        """Save the report if the stored one has this version."""
        result = await self.database.run(
            lambda: self.collection.replace_one(
                {"_id": report.id, "version": int(version)},
                self.mapping.encode_successor(report, version),
            )
        )
        return result.matched_count == 1

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reports."""
        return await self.database.delete_expired(DeliveryReportDocument, now, limit)
