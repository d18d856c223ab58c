"""`make bench`: every section, or those that are named: `make bench ARGS="telling abuse"`."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks.abuse import abuse
from tests.benchmarks.commits import commits
from tests.benchmarks.requests import requests
from tests.benchmarks.telling import telling

SECTIONS: Final[Mapping[str, Callable[[Path], Awaitable[None]]]] = {
    "requests": requests,
    "commits": commits,
    "telling": telling,
    "abuse": abuse,
}


async def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help=", ".join(SECTIONS))
    wanted = parser.parse_args().sections or SECTIONS
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before it began")
    for name in wanted:
        print(f"\n{name}")
        with tempfile.TemporaryDirectory() as folder:
            await SECTIONS[name](Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
