"""The stored form of instances, and the check that none is alive."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from adapters.records.record_kind import Record
from application.ports.errors import ConfigurationError

_ALIVE: Final = (
    "{location}: an instance of the service renewed its record {seconds} s ago. Stop all "
    "instances, and start the command again. One that was killed counts until "
    "{expires_at:%Y-%m-%dT%H:%M:%SZ}."
)


class InstanceRecord(Record, kw_only=True):
    """A process of the service. It expires soon after its last renewal."""

    id: str
    program_version: str
    started_at: datetime
    renewed_at: datetime
    expires_at: datetime


def check_none_alive(instances: Iterable[InstanceRecord], location: str, now: datetime) -> None:
    """Check that no instance uses the database.

    Args:
        instances: The instances of the database; the one that expires last decides.
        location: Where the database is, without secrets.
        now: The time.

    Raises:
        ConfigurationError: An instance is alive, or was killed a short time ago.
    """
    latest = max(instances, key=lambda instance: instance.expires_at, default=None)
    if latest is None or latest.expires_at <= now:
        return
    seconds = max(0, round((now - latest.renewed_at).total_seconds()))
    raise ConfigurationError(
        _ALIVE.format(location=location, seconds=seconds, expires_at=latest.expires_at)
    )
