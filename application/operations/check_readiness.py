"""Check whether the service is ready for requests."""

import asyncio
from dataclasses import dataclass

from application.ports.errors import PortError
from application.ports.system import HealthCheck

CHECK_TIMEOUT_SECONDS = 3.0


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
        """Check all parts. Each has `CHECK_TIMEOUT_SECONDS`."""
        return Readiness(
            *await asyncio.gather(
                _problem(self.database), _problem(self.media), _problem(self.messages)
            )
        )


async def _problem(health: HealthCheck) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await health.check()
    except TimeoutError:
        return "does not answer"
    except PortError as error:
        return str(error)
    return None
