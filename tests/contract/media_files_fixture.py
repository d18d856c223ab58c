"""The media stores that each promise of `MediaFiles` is put to; another one is another Place."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from adapters.disk import open_disk_files
from adapters.disk.folder import UNFINISHED
from adapters.s3 import open_s3_files
from application.ports.health_check import HealthCheck
from application.ports.media_files import MediaFiles
from tests.contract import outside
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.servers.relay import Relay
from tests.support.servers.s3_bucket import S3Bucket
from tests.support.servers.s3_server import S3Server


class Files(MediaFiles, HealthCheck, Protocol):
    """A media store, and whether it is there."""


class Place(Protocol):
    """Where a media store keeps its files, empty at first."""

    def opened(self) -> AbstractAsyncContextManager[Files]:
        """Open the store, as often as asked."""
        ...

    def leave_unfinished(self, begun: datetime) -> None:
        """Leave behind what an upload leaves that was begun then and never ended."""
        ...

    def break_down(self) -> None:
        """Take away what the files are on."""
        ...


class InMemory:
    def __init__(self) -> None:
        self._files = InMemoryFiles()

    def opened(self) -> AbstractAsyncContextManager[Files]:
        return nullcontext(self._files)

    def leave_unfinished(self, begun: datetime) -> None:
        self._files.unfinished.append(begun)

    def break_down(self) -> None:
        self._files.broken = True


class OnDisk:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "media"
        self._left = 0

    def opened(self) -> AbstractAsyncContextManager[Files]:
        return open_disk_files(self._folder, "https://files.example/media", MovableClock())

    def leave_unfinished(self, begun: datetime) -> None:
        self._left += 1
        file = self._folder / UNFINISHED / f"left-{self._left}"
        file.write_bytes(b"half")
        os.utime(file, (begun.timestamp(), begun.timestamp()))

    def break_down(self) -> None:
        shutil.rmtree(self._folder)


class InS3:
    """A prefix of a bucket, behind a door of its own."""

    def __init__(self, server: S3Server, door: Relay) -> None:
        self._server = server
        self._door = door
        self._prefix = uuid4().hex
        self._left = 0

    def opened(self) -> AbstractAsyncContextManager[Files]:
        return open_s3_files(
            self._server.bucket,
            self._prefix,
            endpoint=self._door.url,
            region=self._server.region,
            access_key=self._server.access_key,
            secret_key=self._server.secret_key,
            public_url=None,
            clock=MovableClock(datetime.now(UTC)),
        )

    def leave_unfinished(self, begun: datetime) -> None:
        # When it was begun is for the server to say: now.
        self._left += 1
        S3Bucket(self._server).begin_upload(f"{self._prefix}/left-{self._left}")

    def break_down(self) -> None:
        self._door.shut()


class Outside:
    """An adapter from outside; nobody but its owner can lay hands on its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def opened(self) -> AbstractAsyncContextManager[Files]:
        return outside.open_outside(self._folder)

    def leave_unfinished(self, begun: datetime) -> None:
        pytest.skip("what an upload leaves unfinished cannot be arranged from outside")

    def break_down(self) -> None:
        pytest.skip("a store cannot be broken from outside")


def in_memory(request: pytest.FixtureRequest) -> Iterator[Place]:
    yield InMemory()


def on_disk(request: pytest.FixtureRequest) -> Iterator[Place]:
    yield OnDisk(request.getfixturevalue("tmp_path"))


def in_s3(request: pytest.FixtureRequest) -> Iterator[Place]:
    server: S3Server = request.getfixturevalue("s3_server")
    with Relay(server.endpoint) as door:
        yield InS3(server, door)


def from_outside(request: pytest.FixtureRequest) -> Iterator[Place]:
    yield Outside(request.getfixturevalue("tmp_path"))


PLACES: list[Callable[[pytest.FixtureRequest], Iterator[Place]]] = (
    [from_outside] if outside.is_given() else [in_memory, on_disk, in_s3]
)


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    yield from request.param(request)


@pytest.fixture
async def files(place: Place) -> AsyncIterator[Files]:
    async with place.opened() as files:
        yield files
