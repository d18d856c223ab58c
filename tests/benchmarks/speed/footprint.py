"""Memory at rest and the time of the start, with few and with all adapters."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.speed.processes import ServiceProcess, list_processes, memory_mb
from tests.benchmarks.speed.results import Footprint
from tests.support.servers.errors import ServerUnavailable
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.servers import Servers

EMBEDDED: Final = "embedded default"
ALL_ADAPTERS: Final = "all adapters"
_SECONDS_AT_REST: Final = 2


def measure_footprints(
    folder: Path, databases: Mapping[str, CreateDatabase], environ: Mapping[str, str], starts: int
) -> Iterator[Footprint]:
    """Start the service again and again, with the embedded default and with all adapters."""
    folder.mkdir()
    yield _measure(EMBEDDED, folder / "embedded", {}, starts)
    if "MongoDB" not in databases:
        return
    with ExitStack() as stack:
        try:
            s3 = stack.enter_context(Servers(environ)).s3()
        except ServerUnavailable as error:
            print(f"without the footprint of all adapters: {error}")
            return
        settings = {
            "DIALTONE_DATABASE": stack.enter_context(databases["MongoDB"]()),
            "DIALTONE_MEDIA": f"s3://{s3.bucket}/bench",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_PUBLIC_URL": "https://bench.example.org",
            **s3.environ(),
            **stack.enter_context(FakeTwilio()).environ,
        }
        yield _measure(ALL_ADAPTERS, folder / "all", settings, starts)


def _measure(side: str, folder: Path, settings: Mapping[str, str], starts: int) -> Footprint:
    folder.mkdir()
    process = ServiceProcess("service", folder, settings)
    process.start()  # creates the keys and the database
    process.stop()
    measured = [_start_and_rest(side, process) for _ in range(starts)]

    def middle(value: Callable[[Footprint], float]) -> float:
        return median(map(value, measured))

    return Footprint(
        side,
        middle(lambda one: one.worker_rss_mb),
        middle(lambda one: one.worker_pss_mb),
        middle(lambda one: one.parent_rss_mb),
        middle(lambda one: one.parent_pss_mb),
        middle(lambda one: one.ready_s),
    )


def _start_and_rest(side: str, process: ServiceProcess) -> Footprint:
    began_at = time.perf_counter()
    process.start()
    ready_s = time.perf_counter() - began_at
    # The memory of the start is returned only some time later.
    time.sleep(_SECONDS_AT_REST)
    parent, worker, *_ = list_processes(process.pid)
    memory = [memory_mb(pid, kind) for pid in (worker, parent) for kind in ("Rss", "Pss")]
    process.stop()
    return Footprint(side, *memory, ready_s)
