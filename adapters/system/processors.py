"""How many processors this process may use."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN_CGROUPS: Final = Path("/proc/self/cgroup")


def count_processors(cgroups: Path = _CGROUPS, own_cgroups: Path = _OWN_CGROUPS) -> int:
    """Return the processors that affinity and CPU quota allow, at least 1.

    In a container, the number of processors of the machine says nothing. The quota is that of this
    process's control group or of one above it (cgroup v2), rounded down.

    Args:
        cgroups: Where the control groups are mounted.
        own_cgroups: The file that names the groups of this process.
    """
    processors = len(os.sched_getaffinity(0))
    return max(1, min([processors, *map(int, _quotas(cgroups, own_cgroups))]))


def _quotas(cgroups: Path, own_cgroups: Path) -> Iterator[float]:
    """Yield each quota, in processors."""
    try:
        lines = own_cgroups.read_text().splitlines()
    except OSError:
        return
    for path in (line.removeprefix("0::/") for line in lines if line.startswith("0::/")):
        for root in (cgroups, cgroups / "unified"):
            # In a container without a namespace of its own, the path is that of the host.
            for folder in {root, root / path, *(root / path).parents} - set(root.parents):
                with suppress(OSError, ValueError):
                    quota, period = map(float, (folder / "cpu.max").read_text().split())
                    yield quota / period
