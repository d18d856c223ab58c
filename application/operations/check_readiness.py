"""Check whether the service is ready for requests."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from application.ports.errors import PortError
from application.ports.system import HealthCheck


@dataclass(frozen=True, slots=True)
class Readiness:
    """For each part the reason why it does not work, or None.

    An instance is not ready if a database or a disk of its own rejects a write. All instances share
    the other parts: without one of them, another instance would do no better.

    Attributes:
        parts: By the names of what else is checked.
        of_providers: The names of those whose problems tell who provides them.
    """

    database: str | None
    parts: Mapping[str, str | None]
    of_providers: frozenset[str]
    is_database_shared: bool
    is_ready: bool


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """A part whose readiness is checked.

    `is_own` is whether no other instance uses it, so that another one may do better. A problem
    that tells who provides the part (`is_of_provider`) is not public.
    """

    health: HealthCheck
    is_own: bool = False
    is_of_provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReadiness:
    """Check all parts at the same time."""

    database: HealthCheck
    is_database_shared: bool
    parts: Mapping[str, CheckedPart]

    async def __call__(self) -> Readiness:
        checks = (self.database, *(part.health for part in self.parts.values()))
        database, *problems = await asyncio.gather(*map(_find_problem, checks))
        parts = dict(zip(self.parts, problems, strict=True))
        has_database = database is None or self.is_database_shared
        own = [name for name, part in self.parts.items() if part.is_own]
        return Readiness(
            database,
            parts,
            frozenset(name for name, part in self.parts.items() if part.is_of_provider),
            self.is_database_shared,
            is_ready=has_database and all(parts[name] is None for name in own),
        )


async def _find_problem(health_check: HealthCheck) -> str | None:
    try:
        await health_check.check()
    except PortError as error:
        return error.reason
    return None
