"""What the parent process needs to know of the settings."""

from collections.abc import Mapping

from domain.values import dataclass
from entrypoints.bind import Bind


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """Plain values, so that the parent process imports neither the settings nor their libraries.

    Attributes:
        bind: the bind address as it was set.
        workers: how many processes serve.
        stop_delay_seconds: from SIGTERM to the drain.
        drain_seconds: in which open requests may finish.
        log_level: as `configure_logging` takes it.
        log_format: the same.
        banner: what is printed when the service listens.
        details: the fields of `service_started` and `service_stopped`.
    """

    bind: Bind
    workers: int
    stop_delay_seconds: float
    drain_seconds: float
    log_level: str
    log_format: str
    banner: str
    details: Mapping[str, str | int]
