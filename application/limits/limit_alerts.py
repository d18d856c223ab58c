"""Warn operators before and when a limit keeps people out that many phones share."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.limits.measure_limits import LimitUse, MeasureLimits
from application.ports.errors import CorruptRecord, StorageError
from application.ports.limits import LimitStore
from application.ports.system import Clock
from domain.otp.rate_limits import NO_LIMIT, LimitName, RateLimit, name_limit

ALERT_INTERVAL: Final = timedelta(hours=1)
"""How often one process warns of one limit."""
HIGH_PERCENT: Final = 80

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LimitAlerts:
    """Warn of shared limits: above 80 % of one, and when one rejects; each once an hour.

    Only those per country and in total are shared limits: what one IP, network, number range or
    phone uses up is what limits are for.
    """

    limit_store: LimitStore
    measure_limits: MeasureLimits
    clock: Clock
    warned_at: dict[tuple[str, ...], datetime] = field(default_factory=dict)

    async def name_used_limit(self, limits: Sequence[RateLimit], now: datetime) -> LimitName:
        """Return the name of the one of these limits that rejects, and warn of shared ones.

        Of several limits it is the one that most phones share. The name is empty if none is known.
        """
        try:
            counts = await self.limit_store.count_used(limits, now)
        except (CorruptRecord, StorageError):
            return NO_LIMIT
        used_up = [
            limit
            for limit, count in zip(limits, counts, strict=True)
            if count >= limit.window.limit
        ]
        self._warn_of_rejection(used_up)
        # The narrower limits of a kind come first.
        used_up.sort(key=lambda limit: limit.is_shared)
        return name_limit(used_up[-1]) if used_up else NO_LIMIT

    def _warn_of_rejection(self, limits: Sequence[RateLimit]) -> None:
        for limit in limits:
            name = name_limit(limit)
            if limit.is_shared and self._is_due("shared_limit_reached", *name, limit.country):
                fields = {"limit": name.limit, "part": name.owner, "country": limit.country}
                _log.warning({"event": "shared_limit_reached", **fields})

    async def warn_of_high_use(self) -> None:
        """Measure all shared limits, and warn of those above 80 %."""
        for use in await self.measure_limits():
            if use.percent >= HIGH_PERCENT:
                self._warn_of_high_use(use)

    def _warn_of_high_use(self, use: LimitUse) -> None:
        if self._is_due("shared_limit_high", use.limit, use.owner, use.country):
            fields = {"limit": use.limit, "part": use.owner, "country": use.country}
            _log.warning({"event": "shared_limit_high", **fields, "percent": round(use.percent)})

    def _is_due(self, *alert: str) -> bool:
        now = self.clock.now()
        last = self.warned_at.get(alert)
        if last is not None and now - last < ALERT_INTERVAL:
            return False
        self.warned_at[alert] = now
        return True
