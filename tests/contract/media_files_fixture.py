"""The media stores that each promise of `MediaFiles` is put to; another one is another Place."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest

from adapters.disk import open_disk_files
from adapters.disk.folder import UNFINISHED
from application.ports.media_files import MediaFiles
from application.ports.probe import Probe
from tests.fakes.clock import MovableClock
from tests.fakes.media_files import InMemoryFiles


class Files(MediaFiles, Probe, Protocol):
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
    def __init__(self, _: Path) -> None:
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


PLACES: list[Callable[[Path], Place]] = [InMemory, OnDisk]


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    made: Place = request.param(tmp_path)
    return made


@pytest.fixture
async def files(place: Place) -> AsyncIterator[Files]:
    async with place.opened() as files:
        yield files
