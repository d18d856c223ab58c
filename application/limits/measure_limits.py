"""How much of each limit that many phones share is used."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from application.ports.limits import LimitStore
from application.ports.system import Clock
from domain.countries import ALL_COUNTRIES
from domain.otp.rate_limits import RateLimit, RateLimits, name_limit

MAX_AGE: Final = timedelta(seconds=15)
"""How long a measurement is held: the database is read no more often."""
MAX_COUNTRIES: Final = 300
"""More than there are, so that what is measured stays bounded."""


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How much of a limit is used.

    Attributes:
        clients: Whose limit it is; empty if it is everybody's.
        country: Empty for a limit in total.
        used: How many permits count. These are more than allowed after the limit was lowered.
    """

    limit: str
    clients: str
    country: str
    used: int
    allowed: int

    @property
    def percent(self) -> float:
        return min(100.0, 100 * self.used / self.allowed)


class MeasureLimits:
    """Measure the use of the limits that many phones share, by all instances together.

    - Limits in total are measured, and those of each country that is served. Where all are served,
      these are the countries that this process has seen since its start.
    - A result is held for 15 seconds, however many callers there are. An error is not held.
    """

    def __init__(
        self,
        limit_store: LimitStore,
        clock: Clock,
        limits: RateLimits,
        countries: Collection[str] | None,
        included: Sequence[RateLimit],
    ) -> None:
        """Measure the limits of the countries that are served; None for all of them.

        `included` are measured too, such as those of calls to the phone line.
        """
        self._limit_store = limit_store
        self._clock = clock
        self._limits = limits
        named = set(countries or ())
        self._serves_all = countries is None or named >= ALL_COUNTRIES
        self._countries: set[str] = set() if self._serves_all else named
        self._measured_at = datetime.min.replace(tzinfo=UTC)
        self._measured: Sequence[LimitUse] = ()
        self._measuring = asyncio.Lock()
        self._included = included

    def see(self, country: str) -> None:
        """Measure the limits of a country from now on, if all countries are served."""
        if self._serves_all and len(self._countries) < MAX_COUNTRIES:
            self._countries.add(country)

    async def __call__(self) -> Sequence[LimitUse]:
        async with self._measuring:
            now = self._clock.now()
            # After the clock was set back, a measurement lies in the future.
            if not timedelta(0) <= now - self._measured_at < MAX_AGE:
                self._measured = await self._measure(now)
                self._measured_at = now
            return self._measured

    async def _measure(self, now: datetime) -> Sequence[LimitUse]:
        shared = self._limits.shared_limits(sorted(self._countries))
        limits = [*shared, *self._included]
        counts = await self._limit_store.count_used(limits, now)
        return [
            LimitUse(*name_limit(limit), limit.country, used, limit.window.limit)
            for limit, used in zip(limits, counts, strict=True)
        ]
