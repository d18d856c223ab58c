"""Leases: a task runs in one of all instances."""

from datetime import datetime
from typing import Protocol


class Leases(Protocol):
    """Named leases that all instances on one database share. They end by themselves."""

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        """Acquire the lease until `expires_at`, and return whether that succeeded.

        Of all instances that try at the same time exactly one succeeds, and none while the lease
        is held. A lease whose end lies more than `CLOCK_SKEW` after the requested one comes from
        a clock that was set back since; it does not count.

        Raises:
            StorageError
        """
        ...
