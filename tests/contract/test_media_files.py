"""The promises of the port that stores files, with our stores."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from adapters.media.disk import open_disk_files
from adapters.media.disk.folder import UNFINISHED
from adapters.media.s3 import S3Timeouts
from adapters.media.s3.client import DEFAULT_TIMEOUTS
from tests.contract.suites.media.media_store import Files, Store
from tests.contract.suites.media.test_media_files import *
from tests.contract.suites.media.test_media_files import test_a_file_keeps_its_content_type
from tests.integration.adapters.media.s3_setup import S3Setup
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.servers.http_server import TcpProxy
from tests.support.servers.s3 import S3Server


class InMemoryStore(Store):
    unfinished_writes_stay = True

    def __init__(self) -> None:
        self._files = InMemoryFiles()

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return nullcontext(self._files)

    async def leave_unfinished(self, began_at: datetime) -> None:
        self._files.unfinished.append(began_at)

    async def content_type(self, storage_key: str) -> str:
        return self._files.content_types[storage_key]

    async def break_down(self) -> None:
        self._files.is_unavailable = True

    async def wait_until_released(self) -> None:
        assert self._files.open_files == 0


class DiskStore(Store):
    unfinished_writes_stay = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "media"
        self._unfinished = 0

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return open_disk_files(self._folder, "https://files.example/media", MovableClock())

    async def leave_unfinished(self, began_at: datetime) -> None:
        self._unfinished += 1
        file = self._folder / UNFINISHED / f"unfinished-{self._unfinished}"
        file.write_bytes(b"half")
        os.utime(file, (began_at.timestamp(), began_at.timestamp()))

    async def break_down(self) -> None:
        """Replace the folder by an empty one, as unmounting its disk does."""
        await asyncio.to_thread(shutil.rmtree, self._folder)
        await asyncio.to_thread(self._folder.mkdir)

    async def wait_until_released(self) -> None:
        assert self._list_open() == []

    def _list_open(self) -> list[Path]:
        opened = [descriptor.resolve() for descriptor in Path("/proc/self/fd").iterdir()]
        return [path for path in opened if path.is_relative_to(self._folder)]


class S3Store(Store):
    """A prefix of a bucket, behind a relay."""

    unfinished_writes_stay = False

    def __init__(
        self, server: S3Server, relay: TcpProxy, timeouts: S3Timeouts = DEFAULT_TIMEOUTS
    ) -> None:
        self._relay = relay
        self._setup = S3Setup(replace(server, endpoint=relay.url), timeouts=timeouts)

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return self._setup.open_files()

    async def leave_unfinished(self, began_at: datetime) -> None:
        pytest.skip("a write is one request, which leaves nothing")

    async def break_down(self) -> None:
        self._relay.provider_is("away")

    async def hang(self) -> None:
        self._relay.provider_is("silent")

    async def mend(self) -> None:
        self._relay.provider_is("well")

    async def wait_until_released(self) -> None:
        await asyncio.to_thread(self._relay.wait_until_idle)


def memory(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield InMemoryStore()


def disk(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield DiskStore(request.getfixturevalue("tmp_path"))


def s3(request: pytest.FixtureRequest) -> Iterator[Store]:
    server: S3Server = request.getfixturevalue("s3_server")
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    # A request to a lost store is repeated at once.
    patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    with TcpProxy(server.endpoint) as relay:
        yield S3Store(server, relay)


@pytest.fixture(
    params=[memory, disk, pytest.param(s3, marks=pytest.mark.slow)],
    ids=lambda make_store: make_store.__name__,
)
def media_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield from request.param(request)


# The web server before a disk knows the type from the key.
pytest.mark.parametrize(
    "media_store",
    [memory, pytest.param(s3, marks=pytest.mark.slow)],
    indirect=True,
    ids=["memory", "s3"],
)(test_a_file_keeps_its_content_type)
