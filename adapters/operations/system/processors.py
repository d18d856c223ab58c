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
    process's control group or of one above it (cgroup v2 or v1), rounded down.
    """
    quotas = [int(quota) for quota in _quotas(cgroups, own_cgroups) if quota > 0]
    return max(1, min([len(os.sched_getaffinity(0)), *quotas]))


def _quotas(cgroups: Path, own_cgroups: Path) -> Iterator[float]:
    """Yield each quota, in processors; it is negative where there is none."""
    with suppress(OSError):
        for line in own_cgroups.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us") if controllers else ("cpu.max",)
            for root in (cgroups, cgroups / (controllers or "unified"), cgroups / "cpu"):
                group = root / path.lstrip("/")
                # In a container without a namespace of its own, the path is that of the host.
                for folder in {root, group, *group.parents} - set(root.parents):
                    with suppress(OSError, ValueError, ZeroDivisionError):
                        texts = " ".join((folder / name).read_text() for name in names)
                        quota, period = map(float, texts.split())
                        yield quota / period
