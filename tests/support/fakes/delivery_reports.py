"""Delivery reports in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from application.ports.versioned import Versioned
from domain.otp.delivery_report import DeliveryReport


@dataclass(frozen=True, slots=True)
class InMemoryDeliveryReports:
    """Delivery reports in memory.

    Attributes:
        stored: The reports by id.
        on_call: Called first in each method, with its name.
    """

    stored: dict[str, Versioned[DeliveryReport]]
    on_call: Callable[[str], Awaitable[None]]

    async def load(self, report_id: str) -> Versioned[DeliveryReport] | None:
        await self.on_call("delivery_reports.load")
        return self.stored.get(report_id)

    async def add(self, report: DeliveryReport) -> bool:
        await self.on_call("delivery_reports.add")
        return self.stored.setdefault(report.id, added := Versioned(report, 1)) is added

    async def replace(self, report: DeliveryReport, version: int) -> bool:
        await self.on_call("delivery_reports.replace")
        if report.id not in self.stored or self.stored[report.id].version != version:
            return False
        self.stored[report.id] = Versioned(report, version + 1)
        return True

    async def delete_expired(self, now: datetime, limit: int) -> int:
        await self.on_call("delivery_reports.delete_expired")
        reports = [report.value for report in self.stored.values()]
        expired = [report.id for report in reports if report.expires_at <= now][:limit]
        for report_id in expired:
            del self.stored[report_id]
        return len(expired)
