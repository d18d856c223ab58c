"""Read identities with motor and nothing else: URL IDS_FILE CONNECTIONS SECONDS."""

import asyncio
import itertools
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient


async def main(url: str, user_ids: list[str], connections: int, seconds: float) -> None:
    """Read from so many tasks at once and print a sample."""
    client = AsyncIOMotorClient[dict[str, Any]](url)
    identities = client.get_default_database()["identities"]
    ids = itertools.cycle(user_ids)
    times: list[float] = []

    async def read(stop_at: float) -> None:
        while (began_at := time.perf_counter()) < stop_at:
            assert await identities.find_one({"_id": next(ids)})
            times.append((time.perf_counter() - began_at) * 1000)

    async def read_at_once(duration: float) -> float:
        times.clear()
        began_at = time.perf_counter()
        await asyncio.gather(*(read(began_at + duration) for _ in range(connections)))
        return time.perf_counter() - began_at

    await read_at_once(0.3)  # opens the connections
    cpu = _cpu_seconds()
    elapsed = await read_at_once(seconds)
    cpu = _cpu_seconds() - cpu
    ordered = sorted(times)
    sample = {
        "responses": len(ordered),
        "rate": len(ordered) / elapsed,
        "p50_ms": ordered[len(ordered) // 2],
        "p99_ms": ordered[len(ordered) * 99 // 100],
        "cpu_us": cpu / len(ordered) * 1e6,
    }
    print(json.dumps(sample))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    url, ids_file, connections, seconds = sys.argv[1:]
    loaded = json.loads(Path(ids_file).read_text())
    asyncio.run(main(url, loaded, int(connections), float(seconds)))
