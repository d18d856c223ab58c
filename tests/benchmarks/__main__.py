"""Measure the service: `make bench`, or one of the benchmarks: `make bench ARGS=timing`."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.abuse import measure_abuse
from tests.benchmarks.attestation import measure_attestation
from tests.benchmarks.connections import measure_connections
from tests.benchmarks.databases import DATABASES
from tests.benchmarks.events import measure_events
from tests.benchmarks.library import measure_library
from tests.benchmarks.media import measure_media
from tests.benchmarks.memory import measure_memory
from tests.benchmarks.metrics import measure_metrics
from tests.benchmarks.reads import measure_reads
from tests.benchmarks.sizing import measure_sizing
from tests.benchmarks.speed.run import FULL, SHORT, measure_speed
from tests.benchmarks.timing import measure_timing
from tests.support.servers.process import ServerUnavailable

SPEED: Final = "speed"
BENCHMARKS: Final[Mapping[str, Callable[[Path], Coroutine[Any, Any, None]]]] = {
    "timing": measure_timing,
    "abuse": measure_abuse,
    "attestation": measure_attestation,
    "reads": measure_reads,
    "library": measure_library,
    "memory": measure_memory,
    "connections": measure_connections,
    "media": measure_media,
    "metrics": measure_metrics,
    "events": measure_events,
    "sizing": measure_sizing,
}


def main() -> None:
    names = [SPEED, *BENCHMARKS]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("benchmarks", nargs="*", choices=[*names, []], help=", ".join(names))
    parser.add_argument("--full", action="store_true", help="speed: 25 minutes instead of 4")
    parser.add_argument("--database", choices=DATABASES, help="speed: only this one")
    parser.add_argument("--output", type=Path, help="speed: folder of the results")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start")
    try:
        for name in arguments.benchmarks or [SPEED]:
            print(f"\n{name}")
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                if name == SPEED:
                    form = FULL if arguments.full else SHORT
                    databases = [arguments.database] if arguments.database else DATABASES
                    measure_speed(Path(folder), form, databases, arguments.output)
                else:
                    asyncio.run(BENCHMARKS[name](Path(folder)))
    except ServerUnavailable as error:
        sys.exit(f"The benchmark has ended: {error}")


if __name__ == "__main__":
    main()
