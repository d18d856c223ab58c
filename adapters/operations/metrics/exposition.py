"""All metrics of a service as text."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from adapters.operations.metrics.folder import VARIABLE
from adapters.operations.metrics.metrics import PREFIX, Metrics, country_label
from application.identities.count_users import UserCount
from application.limits.measure_limits import LimitUse
from application.ports.errors import PortError
from application.ports.keys import KeyRing
from application.ports.system import Clock
from application.tasks import is_ended

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
READ_TIMEOUT: Final = 3.0
"""Seconds. Prometheus waits ten for an answer by default."""
_LIVE_GAUGES: Final = "gauge_live*_*.db"

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredGauge:
    """A value of a feature that is read for each answer.

    Attributes:
        name: Its name without the prefix.
        text: What it is.
        measure: Returns the value; None where there is none.
        label: A label, whose values by its value `measure` returns; empty if it has none.
    """

    name: str
    text: str
    measure: Callable[[], Awaitable[float | Mapping[str, float] | None]] | None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """Render the metrics of all workers, with what is read now.

    - The use of limits, the number of users, the age of keys and the delay of events are read by
      the worker that answers.
    - Without an answer of the database, these are left out, but for the age of keys.
    - Files are read in a thread, so that requests do not wait.
    """

    metrics: Metrics
    measure_limits: Callable[[], Awaitable[Sequence[LimitUse]]]
    count_users: Callable[[], Awaitable[UserCount]]
    key_rings: Mapping[str, KeyRing]
    clock: Clock
    version: str
    commit: str
    gauges: Sequence[MeasuredGauge] = ()
    """Those of features."""

    async def render(self) -> bytes:
        """Return the text, in Prometheus' format."""
        families = [
            self._build_info(),
            self._key_ages(),
            *await asyncio.gather(
                self._limit_use(), self._users(), *map(_measure_gauge, self.gauges)
            ),
        ]
        return await asyncio.to_thread(_render, self.metrics.registry, families)

    def _build_info(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            f"{PREFIX}_build_info",
            "Always 1; the labels say which program this is.",
            labels=["version", "commit"],
        )
        family.add_metric([self.version, self.commit], 1)
        return family

    def _key_ages(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            f"{PREFIX}_key_age_seconds", "Age of the key that is in use.", labels=["purpose"]
        )
        now = self.clock.now()
        for purpose, keys in self.key_rings.items():
            family.add_metric([purpose], (now - keys.signing().not_before).total_seconds())
        return family

    async def _limit_use(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            f"{PREFIX}_limit_use_ratio",
            "Use of a limit that many phones share, by all instances together, from 0 to 1.",
            labels=["limit", "part", "country"],
        )
        for use in await _measure(self.measure_limits) or ():
            family.add_metric([use.limit, use.part, country_label(use.country)], use.percent / 100)
        return family

    async def _users(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            f"{PREFIX}_users", "Identities with a username that are not deleted."
        )
        if (users := await _measure(self.count_users)) is not None:
            family.add_metric([], users.number)
        return family


async def _measure_gauge(gauge: MeasuredGauge) -> GaugeMetricFamily:
    labels = [gauge.label] if gauge.label else []
    family = GaugeMetricFamily(f"{PREFIX}_{gauge.name}", gauge.text, labels=labels)
    value = None if gauge.measure is None else await _measure(gauge.measure)
    if isinstance(value, Mapping):
        for label, number in value.items():
            family.add_metric([label], number)
    elif value is not None:
        family.add_metric([], value)
    return family


async def _measure(measure: Callable[[], Awaitable[T]]) -> T | None:
    """Return what is measured, None if that fails."""
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            return await measure()
    except (PortError, TimeoutError):
        pass  # its calls are counted as errors
    # An operator's limit store may raise anything, also of what it has cancelled itself.
    except BaseException as error:
        if is_ended():
            raise
        _log.error({"event": "limits_not_measured"}, exc_info=error)
    return None


class _ReadNow(Collector):
    """Values that were read for this answer."""

    def __init__(self, families: Sequence[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return iter(self._families)


def _render(own: CollectorRegistry, families: Sequence[GaugeMetricFamily]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_ReadNow(families))
    if folder := os.environ.get(VARIABLE):
        _forget_calls_of_dead_workers(Path(folder))
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # the library's
    else:
        registry.register(own)
    return generate_latest(registry)


def _forget_calls_of_dead_workers(folder: Path) -> None:
    """Delete the gauges of processes that have ended. What these counted stays."""
    for file in folder.glob(_LIVE_GAUGES):
        pid = int(file.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            with suppress(FileNotFoundError):  # another worker was faster
                mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]  # the library's
