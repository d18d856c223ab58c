"""Failed attempts in a row: of a phone, and of each recognized device."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

MAX_FAILURES_IN_A_ROW: Final = 50
"""After so many a delivery brings one attempt, until a success (NIST SP 800-63B-4 §3.2.2)."""
MAX_DEVICE_FAILURES_IN_A_ROW: Final = 20
FAILURES_TTL: Final = timedelta(days=30)
"""How long failures are kept of a phone without an identity."""
DEVICE_FAILURES_TTL: Final = timedelta(days=180)
"""No device token lives longer."""


@dataclass(frozen=True, slots=True)
class DeviceFailures:
    """The failed attempts of a recognized device since its last success."""

    device_id: str
    count: int
    last_failed_at: datetime


@dataclass(frozen=True, slots=True)
class Failures:
    """The failed attempts since the last success, whoever made them. Time does not reset them."""

    in_a_row: int = 0
    last_failed_at: datetime | None = None
    by_device: tuple[DeviceFailures, ...] = ()

    @property
    def has_reached_maximum(self) -> bool:
        """Whether each delivery brings one attempt only."""
        return self.in_a_row >= MAX_FAILURES_IN_A_ROW

    @property
    def expires_at(self) -> datetime | None:
        """When those of a phone without an identity are no longer kept; None without any."""
        return self.last_failed_at + FAILURES_TTL if self.last_failed_at else None

    def is_recognized(self, device_id: str) -> bool:
        """Return whether the device has failed less than twenty times in a row."""
        return self._count_of(device_id) < MAX_DEVICE_FAILURES_IN_A_ROW

    def count(self, device_id: str | None, now: datetime) -> "Failures":
        by_device = self.by_device
        if device_id is not None:
            failures = DeviceFailures(device_id, self._count_of(device_id) + 1, now)
            by_device = (*self._of_others(device_id), failures)
        return Failures(self.in_a_row + 1, now, by_device)

    def reset(self, device_id: str | None) -> "Failures":
        """Return the failures after a correct code. Those of other devices stay."""
        return Failures(by_device=self._of_others(device_id))

    def reset_limits(self) -> "Failures":
        """Return what an operator's reset leaves: at most the maximum, and none of a device."""
        return Failures(min(self.in_a_row, MAX_FAILURES_IN_A_ROW), self.last_failed_at)

    def prune(self, now: datetime) -> "Failures":
        """Return the failures without those of devices whose token has expired."""
        if not self.by_device:
            return self
        since = now - DEVICE_FAILURES_TTL
        kept = tuple(failures for failures in self.by_device if failures.last_failed_at > since)
        return replace(self, by_device=kept)

    def _count_of(self, device_id: str) -> int:
        counts = [failures.count for failures in self.by_device if failures.device_id == device_id]
        return sum(counts)

    def _of_others(self, device_id: str | None) -> tuple[DeviceFailures, ...]:
        return tuple(failures for failures in self.by_device if failures.device_id != device_id)
