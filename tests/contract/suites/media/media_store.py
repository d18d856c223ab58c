"""The media store that the suites of `MediaFiles` run with."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol

import pytest

from application.features.media.ports import MediaFiles
from application.ports.system import HealthCheck
from tests.contract.suites.external_adapter import call_test_method, open_external_adapter
from tests.contract.suites.promises import not_promised
from tests.contract.suites.provider_driver import set_provider

KEY: Final = f"ab/{1:032x}.jpg"
OTHER_KEY: Final = f"cd/{2:032x}.png"
JPEG: Final = "image/jpeg"
NOW: Final = datetime.now(UTC)
HOUR: Final = timedelta(hours=1)
KILLED: Final = 9
_RELEASE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05


class Files(MediaFiles, HealthCheck, Protocol):
    """A media store with a health check."""


class Store:
    """A media store that is empty at first, and may be open several times.

    These are methods that an adapter of somebody else has for tests, see docs/adapters.md. Ours
    override them.
    """

    unfinished_writes_stay = False
    """Whether a lost store keeps what an unfinished write left. Otherwise it does nothing."""
    _opened: Files | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return self._open_files()

    @asynccontextmanager
    async def _open_files(self) -> AsyncIterator[Files]:
        async with open_external_adapter(self._folder) as files:
            self._opened = files
            yield files

    async def leave_unfinished(self, began_at: datetime) -> None:
        """Leave what a write leaves that began at a time and did not finish."""
        if await call_test_method(self._opened, "leave_unfinished", began_at) is False:
            not_promised("a write that does not end leaves nothing")

    async def content_type(self, storage_key: str) -> str:
        """Return the content type of a file, if nothing serves it at the URL of `url_for`."""
        return str(await call_test_method(self._opened, "content_type", storage_key))

    def list_files(self) -> set[Path]:
        return {path for path in self._folder.rglob("*") if path.is_file()}

    def kill_during_write(self, storage_key: str) -> int:
        """Kill a process when it moves a file that it has written; return its exit code."""
        process = multiprocessing.get_context("spawn").Process(
            target=_write_and_die, args=(self._folder, storage_key)
        )
        process.start()
        process.join()
        return process.exitcode or 0

    async def break_down(self) -> None:
        """Make the store unavailable."""
        await set_provider(self._opened, "away")

    async def hang(self) -> None:
        """Let the store get what is sent, and answer nothing."""
        await set_provider(self._opened, "silent")

    async def mend(self) -> None:
        """Make the store available again."""
        await set_provider(self._opened, "well")

    async def wait_until_released(self) -> None:
        """Check that no file is open, or wait until nobody holds a connection."""
        count = 0
        for _ in range(round(_RELEASE_SECONDS / _POLL_SECONDS)):
            count = await call_test_method(self._opened, "count_open_files")
            if not count:
                return
            await asyncio.sleep(_POLL_SECONDS)  # before the next look
        pytest.fail(f"After the end of their blocks, {count} files are open", pytrace=False)


def _write_and_die(folder: Path, storage_key: str) -> None:
    async def write() -> None:
        async with open_external_adapter(folder) as files:
            for name in ("link", "rename", "replace"):
                setattr(os, name, lambda *_, **__: os._exit(KILLED))
            await files.write(storage_key, BytesIO(b"half"), "image/jpeg")

    asyncio.run(write())


async def read_file(
    files: MediaFiles, storage_key: str, start: int = 0, stop: int | None = None
) -> bytes | None:
    """Return the content of a file, or a part of it; None if it does not exist."""
    async with files.open_file(storage_key, start, stop) as file:
        if file is None:
            return None
        content = b"".join([chunk async for chunk in file.chunks])
        assert len(content) == file.size
        return content


async def list_all(files: MediaFiles) -> list[str]:
    return [key async for key in files.list_files()]
