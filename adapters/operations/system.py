"""The clock, the randomness, the disks and the processors of the machine; held health checks."""

import asyncio
import errno
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.shared.threads import DiskThreads
from application.ports.errors import PortError, StorageOverloaded
from application.ports.system import HealthCheck
from application.tasks import is_ended, start_task


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        # Truncated, not rounded: the result is never in the future. `datetime.replace` would take
        # four times as long as all of this.
        return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


class SystemRandomness:
    """The generator of the kernel (OWASP ASVS 5.0 6.5.3, 11.5.1)."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


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
    """Yield each quota, in processors; it is negative without a limit."""
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


MIN_FREE_PERCENT: Final = 5.0
WARNING_INTERVAL: Final = 3600.0
"""Seconds between two warnings of a process."""
LOW: Final = "low"
NO_TEMPORARY_FOLDER: Final = "no temporary folder can be written to"
_HANGS: Final = "the disk does not respond"
_TIMEOUT: Final = 5.0

_log = logging.getLogger(__name__)


class FreeSpaceCheck:
    """Whether some folders, and temporary files, have `MIN_FREE_PERCENT` left on their disks.

    What a file system reserves for root does not count as left.
    """

    def __init__(
        self, folders: Collection[Path], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._folders = folders
        self._monotonic = monotonic
        self._next_warning_at = 0.0
        self._threads = DiskThreads("free-space", 1, _TIMEOUT)

    async def check(self) -> None:
        """Check that there is enough space, or else warn, at most once in `WARNING_INTERVAL`.

        Raises:
            PortError: `LOW`; or a file system, such as one of the network, does not respond; or no
                temporary folder can be written to, which large uploads need.
        """
        try:
            folder, free_percent = await self._threads.call(_find_fullest, self._folders)
            has_temporary_folder = await self._threads.call(_has_temporary_folder)
        except TimeoutError:
            raise PortError(_HANGS) from None
        if free_percent >= MIN_FREE_PERCENT:
            if not has_temporary_folder:
                raise PortError(NO_TEMPORARY_FOLDER)
            return
        now = self._monotonic()
        if now >= self._next_warning_at:
            self._next_warning_at = now + WARNING_INTERVAL
            _log.warning(
                {
                    "event": "disk_space_low",
                    "folder": str(folder),
                    "free_percent": round(free_percent, 1),
                }
            )
        raise PortError(LOW)


def _find_fullest(folders: Collection[Path]) -> tuple[Path | None, float]:
    fullest: Path | None = None
    least = 100.0
    for folder in [*folders, *_temporary_folders()]:
        # A folder that is missing is found by the check that writes to it.
        with suppress(OSError):
            usage = shutil.disk_usage(folder)
            free_percent = 100 * usage.free / usage.total if usage.total else 100.0
            if free_percent < least:
                fullest, least = folder, free_percent
    return fullest, least


def _has_temporary_folder() -> bool:
    try:
        with tempfile.TemporaryFile():
            return True
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)  # that is another problem


def _temporary_folders() -> Collection[Path]:
    with suppress(OSError):
        return [Path(tempfile.gettempdir())]
    return []


CHECK_TIMEOUT: Final = 0.5
"""Seconds. Kubernetes waits one second for an answer by default; the rest is for a busy worker."""
SUCCESS_TTL: Final = 5.0
"""Seconds for which a success is held."""
FAILURE_TTL: Final = 1.0
"""Seconds for which a failure is held; longer would delay the recovery."""
CANCEL_TIMEOUT: Final = 15.0
"""Seconds after which a check is cancelled."""
_NO_RESPONSE: Final = "does not answer"


class HeldHealthCheck:
    """Runs a health check once at a time, and holds its result.

    Anybody can request readiness, and a check may write to the disk.

    - Callers that come while a check runs share its result.
    - A part fails if its check takes longer than `CHECK_TIMEOUT`, even if it succeeds later. While
      the check continues, every answer is that failure, and no other check begins.
    """

    def __init__(self, health_check: HealthCheck) -> None:
        self._health_check = health_check
        self._running: asyncio.Task[str] | None = None
        self._answer_until = 0.0
        self._held_until = 0.0
        self._logged = ""

    async def check(self) -> None:
        """Check that the part works, as the held or a new check finds it within `CHECK_TIMEOUT`.

        Raises:
            PortError: It does not; the text says why.
        """
        now = asyncio.get_running_loop().time()
        if self._running is None or (self._running.done() and now >= self._held_until):
            self._answer_until = now + CHECK_TIMEOUT
            self._running = start_task("health_check", self._check())
        check = self._running
        if not check.done() and now < self._answer_until:
            # Unlike wait_for, this does not wait for a check that ignores its cancellation.
            await asyncio.wait([check], timeout=self._answer_until - now)
        has_result = check.done() and not check.cancelled()
        if problem := check.result() if has_result else _NO_RESPONSE:
            raise PortError(problem)

    async def _check(self) -> str:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                await self._health_check.check()
            problem = "" if loop.time() <= self._answer_until else _NO_RESPONSE
        except TimeoutError:
            problem = _NO_RESPONSE
        except StorageOverloaded:
            # The part works. Without this instance, the others would have more to do.
            problem = ""
        except PortError as error:
            problem = error.reason
        # An operator's adapter may raise anything: SystemExit would end the process.
        except BaseException as error:
            if is_ended():
                raise
            problem = f"failed with {type(error).__name__}"
            if problem != self._logged:
                _log.error({"event": "health_check_failed"}, exc_info=error)
        self._logged = problem
        self._held_until = loop.time() + (FAILURE_TTL if problem else SUCCESS_TTL)
        return problem
