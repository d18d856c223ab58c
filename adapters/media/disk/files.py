"""The `MediaFiles` port on a folder. Blocking operations run in threads of their own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, ParamSpec, TypeVar

from adapters.media.disk import folder as media_folder
from adapters.media.disk.errors import files_unavailable, is_of_disk, not_usable
from adapters.media.disk.folder import FileReader, file_path
from adapters.shared.threads import DiskThreads
from application.features.media.ports import MediaUrl, StoredFile
from application.ports.errors import MediaStorageUnavailable
from application.ports.system import Clock

DEFAULT_TIMEOUT_SECONDS: Final = 30.0
"""A working disk needs a small part of it even for the largest file."""
_THREADS: Final = 8

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)


class DiskFiles:
    """Media files in one folder, with a health check.

    An invalid storage key names no file. Writing one raises ValueError.
    """

    def __init__(
        self,
        folder: Path,
        base_url: str,
        clock: Clock,
        threads: DiskThreads,
    ) -> None:
        self._folder = folder
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._threads = threads

    async def write(
        self,
        storage_key: str,
        content: BinaryIO,
        content_type: str,  # noqa: ARG002 -- a web server derives it from the storage key's suffix
    ) -> None:
        file = file_path(self._folder, storage_key)
        if file is None:
            raise ValueError("not a storage key")
        await self._run(media_folder.write, self._folder, file, content, self._clock.now())

    async def get_size(self, storage_key: str) -> int | None:
        file = file_path(self._folder, storage_key)
        return await self._run(media_folder.get_size, self._folder, file) if file else None

    @asynccontextmanager
    async def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile | None]:
        file = file_path(self._folder, storage_key)
        open_file = media_folder.open_file
        opened = await self._run(open_file, self._folder, file, start, stop) if file else None
        if opened is None:
            yield None
            return
        try:
            yield StoredFile(opened.size, self._read_chunks(opened))
        finally:
            opened.close()

    async def list_files(self) -> AsyncIterator[str]:
        for part in await self._run(media_folder.list_parts, self._folder):
            for storage_key in await self._run(media_folder.list_keys, self._folder, part):
                yield storage_key

    async def delete(self, storage_key: str) -> None:
        if file := file_path(self._folder, storage_key):
            await self._run(media_folder.delete, self._folder, file)

    async def url_for(self, storage_key: str) -> MediaUrl:
        return MediaUrl(f"{self._base_url}/{storage_key}")

    async def delete_unfinished(self, before: datetime) -> int:
        return await self._run(media_folder.delete_unfinished, self._folder, before)

    async def check(self) -> None:
        await self._run(media_folder.check_writable, self._folder)

    async def _read_chunks(self, file: FileReader) -> AsyncIterator[bytes]:
        while chunk := await self._run(file.read):
            yield chunk

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._threads.call(function, *args, **kwargs)
        except TimeoutError:
            raise MediaStorageUnavailable("the disk does not respond") from None
        except OSError as error:
            raise files_unavailable(error) from None


@asynccontextmanager
async def open_disk_files(
    folder: Path,
    base_url: str,
    clock: Clock,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    *,
    is_service: bool = True,
) -> AsyncIterator[DiskFiles]:
    """Open a folder, creating it if it is missing, and check that it is writable.

    - A folder on a full, read-only or failing disk is opened with a warning: it can be read, and
      the health check fails until it can be written.
    - A command also opens one without the permission for all of it: it does what it can.

    A file's URL is `base_url`, a slash and the storage key. `timeout_seconds` limits each
    operation.
    """
    try:
        await asyncio.to_thread(media_folder.prepare_folder, folder)
        await asyncio.to_thread(media_folder.check_writable, folder)
    except OSError as error:
        may_pass = is_of_disk(error) or (not is_service and isinstance(error, PermissionError))
        if not may_pass or not await asyncio.to_thread(media_folder.was_prepared, folder):
            raise not_usable(folder, error) from None
        reason = str(files_unavailable(error))
        _log.warning(
            {"event": "media_folder_not_writable", "folder": str(folder), "reason": reason}
        )
    threads = DiskThreads("disk", _THREADS, timeout_seconds)
    try:
        yield DiskFiles(folder, base_url, clock, threads)
    finally:
        await threads.finish()


async def is_prepared(folder: Path) -> bool:
    """Return whether the folder exists and was used before, without creating anything."""
    try:
        return await asyncio.to_thread(media_folder.is_folder_prepared, folder)
    except OSError as error:
        raise not_usable(folder, error) from None
