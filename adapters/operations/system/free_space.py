"""The space that is left on the disks of the instance."""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from adapters.shared.threads import DiskThreads
from application.ports.errors import PortError

MIN_FREE_PERCENT: Final = 5.0
WARNING_INTERVAL: Final = 3600.0
"""Seconds between two warnings of a process."""
LOW: Final = "low"
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
            PortError: `LOW`, or a file system, such as one of the network, does not respond.
        """
        try:
            folder, free_percent = await self._threads.call(_find_fullest, self._folders)
        except TimeoutError:
            raise PortError(_HANGS) from None
        if free_percent >= MIN_FREE_PERCENT:
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


def _temporary_folders() -> Collection[Path]:
    with suppress(OSError):
        return [Path(tempfile.gettempdir())]
    return []
