"""Check whether the service is ready for requests."""

import asyncio
from dataclasses import dataclass

from application.ports.errors import PortError
from application.ports.system import HealthCheck


@dataclass(frozen=True, slots=True)
class Readiness:
    """For each part the reason why it does not work, or None.

    An instance is not ready if a database or a disk of its own rejects a write. All instances share
    the other parts: without one of them, another instance would do no better.

    Attributes:
        disk: Why the disks of the instance will not do for long.
        attestation: Why no proof of a client can be checked.
        has_limit_store: Whether limits are a part of their own. Otherwise the database keeps them.
        has_call_check: Whether the provider of calls can be checked.
        has_attestation_check: Whether there is a provider of proofs that can be checked.
        is_database_shared: Whether other machines use the database too.
        is_media_shared: Whether other machines use the media store too.
    """

    database: str | None
    media: str | None
    messages: str | None
    limits: str | None = None
    calls: str | None = None
    disk: str | None = None
    attestation: str | None = None
    has_limit_store: bool = False
    has_call_check: bool = False
    has_attestation_check: bool = False
    is_database_shared: bool = False
    is_media_shared: bool = True

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent to this instance."""
        has_database = self.database is None or self.is_database_shared
        has_media = self.media is None or self.is_media_shared
        return has_database and has_media


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Check all parts at the same time.

    `limits` is None where the database keeps the limits, `calls` and `attestation` where no
    provider can be checked. `disk` finds disks that have little space left. See `Readiness` for the
    flags.
    """

    database: HealthCheck
    media: HealthCheck
    messages: HealthCheck
    limits: HealthCheck | None = None
    calls: HealthCheck | None = None
    disk: HealthCheck | None = None
    attestation: HealthCheck | None = None
    is_database_shared: bool = False
    is_media_shared: bool = True

    async def __call__(self) -> Readiness:
        """Return the results of all parts."""
        parts = (self.database, self.media, self.messages, self.limits, self.calls, self.disk)
        *problems, attestation = await asyncio.gather(
            *map(_find_problem, (*parts, self.attestation))
        )
        database, media, messages, limits, calls, disk = problems
        return Readiness(
            database,
            media,
            messages,
            limits,
            calls,
            disk,
            attestation,
            has_limit_store=self.limits is not None,
            has_call_check=self.calls is not None,
            has_attestation_check=self.attestation is not None,
            is_database_shared=self.is_database_shared,
            is_media_shared=self.is_media_shared,
        )


async def _find_problem(health_check: HealthCheck | None) -> str | None:
    if health_check is None:
        return None
    try:
        await health_check.check()
    except PortError as error:
        return str(error)
    return None
