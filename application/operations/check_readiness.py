import asyncio
from dataclasses import dataclass

from application.ports.errors import PortError
from application.ports.health_check import HealthCheck

LONGEST_CHECK = 3.0
"""Seconds after which a part that does not answer counts as not ready."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The parts that do not work, each with the reason; only the database stops everything."""

    database: str | None
    media: str | None
    messages: str | None

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.database is None


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Ask each part that the service needs whether it would do its work now."""

    database: HealthCheck
    media: HealthCheck
    messages: HealthCheck

    async def __call__(self) -> Readiness:
        return Readiness(
            *await asyncio.gather(
                _trouble(self.database), _trouble(self.media), _trouble(self.messages)
            )
        )


async def _trouble(probe: HealthCheck) -> str | None:
    try:
        async with asyncio.timeout(LONGEST_CHECK):
            await probe.check()
    except TimeoutError:
        return "does not answer"
    except PortError as error:
        return str(error)
    return None
