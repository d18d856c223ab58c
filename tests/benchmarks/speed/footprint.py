"""Memory at rest and the time of the start, with few and with all adapters."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.speed.processes import ServiceProcess, list_processes, memory_mb
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.process import ServerUnavailable
from tests.support.servers.servers import Servers

EMBEDDED: Final = "embedded default"
ALL_ADAPTERS: Final = "all adapters"
READY: Final = "ready after"
_SECONDS_AT_REST: Final = 2


def measure_footprints(
    folder: Path, databases: Mapping[str, CreateDatabase], starts: int
) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Start the service again and again, with the embedded default and with all adapters."""
    folder.mkdir()
    with ExitStack() as stack:
        settings = {EMBEDDED: {}, **_settings_of_all_adapters(stack, databases)}
        services = {
            name: ServiceProcess("service", folder / name, settings[name]) for name in settings
        }
        # The first start creates the keys and the database.
        for service in services.values():
            service.launch()
        for service in services.values():
            service.wait_until_ready()
            service.stop()
        for name, service in services.items():
            measured = [_start_and_rest(service) for _ in range(starts)]
            yield name, {kind: median(one[kind] for one in measured) for kind in measured[0]}


def _settings_of_all_adapters(
    stack: ExitStack, databases: Mapping[str, CreateDatabase]
) -> Mapping[str, Mapping[str, str]]:
    if "MongoDB" not in databases:
        return {}
    try:
        s3 = stack.enter_context(Servers(os.environ)).s3
    except ServerUnavailable as error:
        print(f"without the footprint of all adapters: {error}")
        return {}
    settings = {
        "DIALTONE_DATABASE": stack.enter_context(databases["MongoDB"]()),
        "DIALTONE_MEDIA": f"s3://{s3.bucket}/bench",
        "DIALTONE_SMS": "twilio",
        "DIALTONE_COUNTRIES": "*",
        "DIALTONE_PUBLIC_URL": "https://bench.example.org",
        **s3.environ(),
        **stack.enter_context(FakeTwilio()).environ,
    }
    return {ALL_ADAPTERS: settings}


def unit_of(name: str) -> str:
    """Return the unit of a figure."""
    return " s" if name == READY else " MB"


def _start_and_rest(process: ServiceProcess) -> Mapping[str, float]:
    began_at = time.perf_counter()
    process.start()
    ready_s = time.perf_counter() - began_at
    # The memory of the start is returned only some time later.
    time.sleep(_SECONDS_AT_REST)
    parent, worker, *_ = list_processes(process.pid)
    memory = {
        f"{name} {kind}": memory_mb(pid, kind.title())
        for name, pid in (("worker", worker), ("parent", parent))
        for kind in ("RSS", "PSS")
    }
    process.stop()
    return {**memory, READY: ready_s}
