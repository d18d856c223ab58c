"""Measure the service: `make bench`, or one of the benchmarks: `make bench ARGS=timing`."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks.abuse import measure_abuse
from tests.benchmarks.connections import measure_connections
from tests.benchmarks.rates import measure_rates
from tests.benchmarks.reads import measure_reads
from tests.benchmarks.timing import measure_timing

BENCHMARKS: Final[Mapping[str, Callable[[Path], Awaitable[None]]]] = {
    "rates": measure_rates,
    "timing": measure_timing,
    "abuse": measure_abuse,
    "reads": measure_reads,
    "connections": measure_connections,
}


async def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "benchmarks", nargs="*", choices=[*BENCHMARKS, []], help=", ".join(BENCHMARKS)
    )
    names = parser.parse_args().benchmarks or BENCHMARKS
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start")
    for name in names:
        print(f"\n{name}")
        with tempfile.TemporaryDirectory() as folder:
            await BENCHMARKS[name](Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
