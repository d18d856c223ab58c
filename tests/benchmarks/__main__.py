"""Measure the service: `make bench`, or another benchmark: `make bench ARGS=sizing`."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.databases import DATABASES
from tests.benchmarks.sizing import measure_sizing
from tests.benchmarks.speed.run import measure_speed
from tests.support.servers.process import ServerUnavailable


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = ["speed", "sizing"]
    parser.add_argument("benchmark", nargs="?", choices=names, default="speed")
    parser.add_argument("--database", choices=DATABASES, action="append", help="default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", type=Path, action="append", default=[], help="a TOML file")
    parser.add_argument("--checkout", type=Path, help="another one, with its .venv")
    parser.add_argument("--page", action="store_true", help="write docs/sizing.md")
    arguments = parser.parse_args()
    technologies = arguments.database or DATABASES
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start")
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            if arguments.benchmark == "sizing":
                measure_sizing(Path(folder), technologies)
            else:
                measure_speed(
                    Path(folder),
                    technologies,
                    rounds=arguments.rounds,
                    peers=arguments.peer,
                    checkout=arguments.checkout,
                    writes_page=arguments.page,
                )
    except ServerUnavailable as error:
        sys.exit(f"The benchmark has ended: {error}")


if __name__ == "__main__":
    main()
