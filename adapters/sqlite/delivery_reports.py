"""Delivery reports in SQLite."""

from datetime import datetime
from typing import Final

from adapters.sqlite.database import Database
from adapters.sqlite.mapping import DeliveryReportMapping, to_microseconds
from application.ports.versioned import Versioned
from domain.otp.delivery_report import DeliveryReport
from domain.values import dataclass

_LOAD: Final = "SELECT version, schema_version, body FROM delivery_reports WHERE id = ?"

_ADD: Final = """
INSERT INTO delivery_reports (id, version, schema_version, expires_at, body)
VALUES (:id, 1, :schema_version, :expires_at, :body)
ON CONFLICT (id) DO NOTHING
"""

_REPLACE: Final = """
UPDATE delivery_reports
SET version = version + 1, schema_version = max(schema_version, :schema_version),
    expires_at = :expires_at, body = :body
WHERE id = :id AND version = :version
"""

_DELETE_EXPIRED: Final = """
DELETE FROM delivery_reports WHERE rowid IN (
    SELECT rowid FROM delivery_reports WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
)
"""


@dataclass(frozen=True, slots=True)
class SqliteDeliveryReports:
    """Delivery reports by id."""

    database: Database
    mapping: DeliveryReportMapping

    async def load(self, report_id: str) -> Versioned[DeliveryReport] | None:
        """Load the report, or return None."""
        row = await self.database.fetch_one(_LOAD, (report_id,))
        return self.mapping.decode(*row) if row else None

    async def add(self, report: DeliveryReport) -> bool:
        """Add the report at version 1, unless its id is taken."""
        return await self._execute(_ADD, report, 0)

    async def replace(self, report: DeliveryReport, version: int) -> bool:
        """Replace the report if it has this version."""
        return await self._execute(_REPLACE, report, version)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reports, and return their number."""
        return await self.database.execute(_DELETE_EXPIRED, (to_microseconds(now), limit))

    async def _execute(self, sql: str, report: DeliveryReport, version: int) -> bool:
        values = {
            "id": report.id,
            "version": version,
            "schema_version": self.mapping.schema_version,
            "expires_at": to_microseconds(report.expires_at),
            "body": self.mapping.encode(self.mapping.to_stored(report), version),
        }
        return bool(await self.database.execute(sql, values, is_quick=True))
