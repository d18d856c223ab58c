"""All metrics of a service as text."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from adapters.operations.metrics.folder import VARIABLE
from adapters.operations.metrics.metrics import PREFIX, Metrics
from application.ports.errors import PortError
from application.tasks import is_ended

READ_TIMEOUT: Final = 3.0
"""Seconds. Prometheus waits ten for an answer by default."""
_LIVE_GAUGES: Final = "gauge_live*_*.db"

Samples: TypeAlias = float | Mapping[tuple[str, ...], float] | None
"""A value, or a value for each combination of the labels' values; None without any."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MeasuredGauge:
    """A gauge that the worker that answers reads for each answer.

    Attributes:
        name: Its name without the prefix.
        measure: Returns its samples, in the event loop.
    """

    name: str
    text: str
    measure: Callable[[], Awaitable[Samples]]
    labels: Sequence[str] = ()


def make_metrics_app(metrics: Metrics, gauges: Sequence[MeasuredGauge]) -> WSGIApplication:
    """Make what renders the metrics of all workers, and these gauges, in threads.

    Make it in the event loop, which reads the gauges.
    """
    registry = CollectorRegistry()
    registry.register(_ReadNow(gauges, asyncio.get_running_loop()))
    if folder := os.environ.get(VARIABLE):
        _AllWorkers(registry, folder)  # type: ignore[no-untyped-call]  # the library's, as below
    else:
        registry.register(metrics.registry)
    return make_wsgi_app(registry)


class _ReadNow(Collector):
    """Gauges that are read for an answer. A gauge that is not read in time has no sample."""

    def __init__(self, gauges: Sequence[MeasuredGauge], loop: asyncio.AbstractEventLoop) -> None:
        self._gauges = gauges
        self._loop = loop

    def collect(self) -> Iterator[GaugeMetricFamily]:
        reads = [
            (gauge, asyncio.run_coroutine_threadsafe(_measure(gauge), self._loop))
            for gauge in self._gauges
        ]
        wait([read for _, read in reads], READ_TIMEOUT)
        for gauge, read in reads:
            family = GaugeMetricFamily(f"{PREFIX}_{gauge.name}", gauge.text, labels=gauge.labels)
            # What has not ended is cancelled.
            samples = None if read.cancel() else read.result()
            if isinstance(samples, Mapping):
                for labels, value in samples.items():
                    family.add_metric(labels, value)
            elif samples is not None:
                family.add_metric((), samples)
            yield family


async def _measure(gauge: MeasuredGauge) -> Samples:
    try:
        return await gauge.measure()
    except PortError:
        pass  # its calls are counted as errors
    # An operator's adapter may raise anything, also of what it has cancelled itself.
    except BaseException as error:
        if is_ended():
            raise
        _log.error({"event": "metrics_failed", "gauge": gauge.name}, exc_info=error)
    return None


class _AllWorkers(MultiProcessCollector):
    """The counts of all workers, also of those that have ended, and the gauges of the others."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for file in Path(self._path).glob(_LIVE_GAUGES):
            pid = int(file.stem.rpartition("_")[2])
            if not Path(f"/proc/{pid}").exists():
                with suppress(FileNotFoundError):  # another worker was faster
                    mark_process_dead(pid, self._path)  # type: ignore[no-untyped-call]
        yield from super().collect()  # type: ignore[no-untyped-call]
