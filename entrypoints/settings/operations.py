"""The settings of the cleanup."""

from dataclasses import dataclass
from datetime import timedelta

from entrypoints.settings import parsers
from entrypoints.settings.declaration import advanced
from entrypoints.settings.service import ServiceSettings


@dataclass(frozen=True, kw_only=True)
class OperationsSettings(ServiceSettings):
    """How often the service cleans up."""

    cleanup_interval: timedelta | None = advanced(
        "Time between cleanups; off if you run `dialtone cleanup` by cron instead.",
        parsers.duration_or_off("1m", "1d"),
        default="15m",
    )
