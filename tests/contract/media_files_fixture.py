"""The media stores that the contract suite of `MediaFiles` runs on."""

import asyncio
import multiprocessing
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Protocol

import pytest

from adapters.disk import open_disk_files
from adapters.disk.folder import UNFINISHED
from application.ports.media import MediaFiles
from application.ports.system import HealthCheck
from tests.contract import external_adapter
from tests.integration.s3_setup import S3Setup
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.servers.http_server import TcpProxy
from tests.support.servers.s3 import S3Server

KILLED = 9
OPEN_DESCRIPTORS = Path("/proc/self/fd")


class Files(MediaFiles, HealthCheck, Protocol):
    """A media store with a health check."""


class InMemoryStore:
    """A media store that is empty at first, and may be open several times.

    `leave_unfinished` leaves what a write leaves that began at a time and did not finish.
    `wait_until_released` checks that no file is open, or waits until nobody holds a connection.
    """

    def __init__(self) -> None:
        self._files = InMemoryFiles()

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return nullcontext(self._files)

    def leave_unfinished(self, began_at: datetime) -> None:
        self._files.unfinished.append(began_at)

    async def break_down(self) -> None:
        self._files.is_unavailable = True

    async def wait_until_released(self) -> None:
        assert self._files.open_files == 0


class DiskStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "media"
        self._unfinished = 0

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return open_disk_files(self._folder, "https://files.example/media", MovableClock())

    def leave_unfinished(self, began_at: datetime) -> None:
        self._unfinished += 1
        file = self._folder / UNFINISHED / f"unfinished-{self._unfinished}"
        file.write_bytes(b"half")
        os.utime(file, (began_at.timestamp(), began_at.timestamp()))

    async def break_down(self) -> None:
        """Replace the folder by an empty one, as unmounting its disk does."""
        await asyncio.to_thread(shutil.rmtree, self._folder)
        await asyncio.to_thread(self._folder.mkdir)

    async def wait_until_released(self) -> None:
        assert open_files(self._folder) == []


def open_files(folder: Path) -> list[Path]:
    """Return the files in the folder that this process has open."""
    opened = [descriptor.resolve() for descriptor in OPEN_DESCRIPTORS.iterdir()]
    return [path for path in opened if path.is_relative_to(folder)]


class S3Store:
    """A prefix of a bucket, behind a relay."""

    def __init__(self, server: S3Server, relay: TcpProxy) -> None:
        self._relay = relay
        self._setup = S3Setup(replace(server, endpoint=relay.url))

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return self._setup.open_files()

    def leave_unfinished(self, began_at: datetime) -> None:
        pytest.skip("a write is one request, which leaves nothing")

    async def break_down(self) -> None:
        self._relay.close()

    async def wait_until_released(self) -> None:
        await asyncio.to_thread(self._relay.wait_until_idle)


class ExternalStore:
    """An adapter of somebody else. Tests cannot change its files directly."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: Files | None = None

    @asynccontextmanager
    async def open_files(self) -> AsyncIterator[Files]:
        async with external_adapter.open_external_adapter(self._folder) as files:
            self._opened = files
            yield files

    def leave_unfinished(self, began_at: datetime) -> None:
        pytest.skip("tests cannot leave an unfinished write with another time")

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
        await external_adapter.call_test_method(self._opened, "break_provider")

    async def wait_until_released(self) -> None:
        pytest.skip("tests cannot see the connections of an external store")


def _write_and_die(folder: Path, storage_key: str) -> None:
    async def write() -> None:
        async with external_adapter.open_external_adapter(folder) as files:
            for name in ("link", "rename", "replace"):
                setattr(os, name, lambda *_, **__: os._exit(KILLED))
            await files.write(storage_key, BytesIO(b"half"), "image/jpeg")

    asyncio.run(write())


Store = InMemoryStore | DiskStore | S3Store | ExternalStore


def memory(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield InMemoryStore()


def disk(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield DiskStore(request.getfixturevalue("tmp_path"))


def s3(request: pytest.FixtureRequest) -> Iterator[Store]:
    server: S3Server = request.getfixturevalue("s3_server")
    with TcpProxy(server.endpoint) as relay:
        yield S3Store(server, relay)


def external(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield ExternalStore(request.getfixturevalue("tmp_path"))


STORES: list[Callable[[pytest.FixtureRequest], Iterator[Store]]] = (
    [external] if external_adapter.is_given() else [memory, disk, s3]
)


@pytest.fixture(params=STORES, ids=lambda make_store: make_store.__name__)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield from request.param(request)


@pytest.fixture
async def files(store: Store) -> AsyncIterator[Files]:
    async with store.open_files() as files:
        yield files
