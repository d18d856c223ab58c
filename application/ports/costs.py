"""The ports of costs: where they are kept, and who else counts them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.ports.versioned import Expiring, Records
from domain.costs.sums import DailyCosts
from domain.otp.delivery import Channel
from domain.page import Cursor


class DailyCostsRepository(Records[DailyCosts], Expiring, Protocol):
    """The costs that each process counted on each day, by id."""

    async def list_after(self, cursor: Cursor, until: datetime, limit: int) -> Sequence[DailyCosts]:
        """List up to `limit` of them after a position, of days that start at `until` or earlier.

        Those of the earliest day come first, and of one day those with the lowest id.
        """
        ...


class CostMeter(Protocol):
    """Counts costs besides the report, such as for metrics."""

    def add(self, country: str, provider: str, channel: Channel, millionths: int) -> None:
        """Add an amount; never waits and never raises."""
        ...
