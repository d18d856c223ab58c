import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from adapters.disk.errors import at_run_time
from adapters.disk.folder import prepare, prove
from adapters.disk.keeping import forget, keep, sweep
from adapters.disk.keys import file_of
from adapters.disk.reading import Chunks, open_file
from application.ports.clock import Clock
from application.ports.errors import FilesUnavailable
from application.ports.media_files import MediaUrl, StoredFile

PATIENCE: Final = 30.0
"""Seconds; a disk that answers takes a small part of it even for the largest file."""
PROBE_PATIENCE: Final = 3.0
_THREADS: Final = 8

P = ParamSpec("P")
T = TypeVar("T")


class DiskFiles:
    """Files by storage key in one folder, and whether that folder can be used.

    An invalid storage key names no file. Writing one raises ValueError.
    """

    def __init__(
        self, folder: Path, base_url: str, clock: Clock, pool: ThreadPoolExecutor, patience: float
    ) -> None:
        self._folder = folder
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._pool = pool
        self._patience = patience

    # The content type is not kept: the storage_key's suffix tells it to whoever serves the folder.
    async def write(self, storage_key: str, content: bytes, content_type: str) -> None:  # noqa: ARG002
        if file_of(self._folder, storage_key) is None:
            raise ValueError("not a storage key")
        await self._off_loop(keep, self._folder, storage_key, content, self._clock.now())

    async def open_file(self, storage_key: str) -> StoredFile | None:
        file = file_of(self._folder, storage_key)
        opened = await self._off_loop(open_file, file) if file else None
        return StoredFile(opened.size, Chunks(opened, self._off_loop)) if opened else None

    async def delete(self, storage_key: str) -> None:
        if file := file_of(self._folder, storage_key):
            await self._off_loop(forget, file)

    async def url_for(self, storage_key: str) -> MediaUrl:
        return MediaUrl(f"{self._base_url}/{storage_key}")

    async def delete_unfinished(self, before: datetime) -> int:
        return await self._off_loop(sweep, self._folder, before)

    async def check(self) -> None:
        await self._wait_for(self._pool.submit(prove, self._folder), PROBE_PATIENCE)

    async def _off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the work in a thread of ours, so that a slow disk holds up nothing else."""
        return await self._wait_for(self._pool.submit(work, *args, **kwargs), self._patience)

    async def _wait_for(self, work: Future[T], patience: float) -> T:
        try:
            async with asyncio.timeout(min(patience, self._patience)):
                return await asyncio.wrap_future(work)
        except TimeoutError:
            raise FilesUnavailable("the disk does not answer") from None
        except OSError as error:
            raise at_run_time(error) from None


@asynccontextmanager
async def open_disk_files(
    folder: Path, base_url: str, clock: Clock, patience: float = PATIENCE
) -> AsyncIterator[DiskFiles]:
    """Make the folder if need be; addresses are `base_url`, a slash and the storage key.

    Raises:
        MediaFolderNotUsable
    """
    await asyncio.to_thread(prepare, folder)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="disk")
    try:
        yield DiskFiles(folder, base_url, clock, pool, patience)
    finally:
        await asyncio.to_thread(pool.shutdown)
