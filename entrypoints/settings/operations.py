"""The settings of the cleanup and the call log."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrypoints.settings import parsers
from entrypoints.settings.declaration import advanced, optional
from entrypoints.settings.service import ServiceSettings

if TYPE_CHECKING:
    from application.operations.feature import OperationsPolicy


@dataclass(frozen=True, kw_only=True)
class OperationsSettings(ServiceSettings):
    """What is kept for how long."""

    call_retention: timedelta = optional(parsers.duration("1h", "3650d"), default="90d")
    """Time after which a call is deleted from the call log."""
    recording_retention: timedelta = optional(parsers.duration("1h", "3650d"), default="30d")
    """Time after which the recording of a call is deleted, here and at the provider."""
    cleanup_interval: timedelta | None = advanced(
        parsers.duration_or_off("1m", "1d"), default="15m"
    )
    """Time between cleanups; off if you run `dialtone cleanup` by cron instead."""

    def operations_policy(self) -> "OperationsPolicy":
        """Return what these settings decide."""
        # Imported only here: the parent process of the workers needs no use cases.
        from application.operations.feature import OperationsPolicy

        return OperationsPolicy(
            call_retention=self.call_retention, recording_retention=self.recording_retention
        )
