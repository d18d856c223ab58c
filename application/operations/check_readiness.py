"""Check whether the service is ready for requests."""

import asyncio
from dataclasses import dataclass

from application.ports.errors import PortError
from application.ports.system import HealthCheck


@dataclass(frozen=True, slots=True)
class Readiness:
    """For each part the reason why it does not work, or None. Only the database is essential."""

    database: str | None
    media: str | None
    messages: str | None

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent to this instance."""
        return self.database is None


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Check database, media store and messenger at the same time."""

    database: HealthCheck
    media: HealthCheck
    messages: HealthCheck

    async def __call__(self) -> Readiness:
        """Return the results of all parts."""
        parts = (self.database, self.media, self.messages)
        return Readiness(*await asyncio.gather(*map(_find_problem, parts)))


async def _find_problem(health_check: HealthCheck) -> str | None:
    try:
        await health_check.check()
    except PortError as error:
        return str(error)
    return None
