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


class CheckReadiness:
    """Check all parts at the same time. Features add theirs."""

    def __init__(self, database: HealthCheck, *, is_database_shared: bool) -> None:
        self._database = database
        self._is_database_shared = is_database_shared
        self._parts: dict[str, HealthCheck] = {}
        self._own_parts: set[str] = set()
        self._of_providers: set[str] = set()

    def add(
        self,
        name: str,
        part: HealthCheck,
        *,
        is_own: bool = False,
        is_of_provider: bool = False,
    ) -> None:
        """Add a part.

        `is_own` is whether no other instance uses it, so that another one may do better. A problem
        that tells who provides the part (`is_of_provider`) is no public one.
        """
        self._parts[name] = part
        if is_own:
            self._own_parts.add(name)
        if is_of_provider:
            self._of_providers.add(name)

    async def __call__(self) -> Readiness:
        database, *problems = await asyncio.gather(
            *map(_find_problem, (self._database, *self._parts.values()))
        )
        parts = dict(zip(self._parts, problems, strict=True))
        has_database = database is None or self._is_database_shared
        has_own_parts = all(parts[name] is None for name in self._own_parts)
        return Readiness(
            database,
            parts,
            frozenset(self._of_providers),
            self._is_database_shared,
            is_ready=has_database and has_own_parts,
        )


async def _find_problem(health_check: HealthCheck) -> str | None:
    try:
        await health_check.check()
    except PortError as error:
        return error.reason
    return None
