"""Check whether the service is ready for requests."""

import asyncio
from dataclasses import dataclass

from application.ports.errors import PortError
from application.ports.system import HealthCheck


@dataclass(frozen=True, slots=True)
class Readiness:
    """For each part the reason why it does not work, or None. Only the database is essential.

    All instances share a limit store. Without it nobody can sign in, but who is signed in goes on.

    Attributes:
        has_limit_store: Whether limits are a part of their own. Otherwise the database keeps them.
        has_call_check: Whether the provider of calls can be checked.
    """

    database: str | None
    media: str | None
    messages: str | None
    limits: str | None = None
    calls: str | None = None
    has_limit_store: bool = False
    has_call_check: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent to this instance."""
        return self.database is None


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Check database, media store, messenger, limit store and provider of calls at the same time.

    `limits` is None where the database keeps the limits, `calls` where no provider can be checked.
    """

    database: HealthCheck
    media: HealthCheck
    messages: HealthCheck
    limits: HealthCheck | None = None
    calls: HealthCheck | None = None

    async def __call__(self) -> Readiness:
        """Return the results of all parts."""
        parts = (self.database, self.media, self.messages, self.limits, self.calls)
        database, media, messages, limits, calls = await asyncio.gather(*map(_find_problem, parts))
        return Readiness(
            database,
            media,
            messages,
            limits,
            calls,
            has_limit_store=self.limits is not None,
            has_call_check=self.calls is not None,
        )


async def _find_problem(health_check: HealthCheck | None) -> str | None:
    if health_check is None:
        return None
    try:
        await health_check.check()
    except PortError as error:
        return str(error)
    return None
