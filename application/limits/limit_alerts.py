"""Warn operators before and when a limit that many phones share keeps people out."""

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
_CAUSE_OF_IP: Final = (
    "a client that sends too much, or many clients behind this IP: those of a proxy, or the"
    " visitors of a website that a back end renders"
)
_FIX_OF_IP: Final = (
    "if client_ip is that of your proxy, set DIALTONE_TRUSTED_PROXIES; if it is that of your back"
    " end, also send the IP of each visitor: docs/server.md"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LimitAlerts:
    """Warn of shared limits: above 80 % of one, and when one rejects; each once an hour.

    Only those per country and in total are shared limits: what one IP, network, number range or
    phone uses up is what limits are for. A limit per IP or network that rejects is a warning too,
    because the IP may be that of many clients.
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
                fields = {"limit": name.limit, "clients": name.clients, "country": limit.country}
                _log.warning({"event": "shared_limit_reached", **fields})
            if limit.subject_kind in ("ip", "network"):
                self.warn_of_ip(name.limit, "messages")

    def warn_of_ip(self, limit: str, counted: str) -> None:
        """Warn that a limit per IP or network rejects what it counts; the log has the IP."""
        if self._is_due("ip_limit_reached", limit, counted):
            fields = {"limit": limit, "counted": counted, "cause": _CAUSE_OF_IP, "fix": _FIX_OF_IP}
            _log.warning({"event": "ip_limit_reached", **fields})

    async def warn_of_high_use(self) -> None:
        """Measure all shared limits, and warn of those above 80 %."""
        for use in await self.measure_limits():
            if use.percent >= HIGH_PERCENT:
                self._warn_of_high_use(use)

    def _warn_of_high_use(self, use: LimitUse) -> None:
        if self._is_due("shared_limit_high", use.limit, use.clients, use.country):
            fields = {"limit": use.limit, "clients": use.clients, "country": use.country}
            _log.warning({"event": "shared_limit_high", **fields, "percent": round(use.percent)})

    def _is_due(self, *alert: str) -> bool:
        now = self.clock.now()
        last = self.warned_at.get(alert)
        if last is not None and now - last < ALERT_INTERVAL:
            return False
        self.warned_at[alert] = now
        return True
