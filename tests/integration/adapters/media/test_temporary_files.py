"""A temporary folder that hangs: only threads of ours hang with it."""

import errno
import io
import os
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.media.temporary_files import LocalTemporaryFiles, open_temporary_files
from domain.errors import Unavailable
from domain.features.media.errors import NoUploadSpace
from tests.support.waiting import wait_until

TIMEOUT = 0.2
"""Timeout in the tests, in seconds."""


class HangingDisk:
    """The disk of the temporary folder, whose files can be opened or not, and not be written."""

    def __init__(self, folder: Path) -> None:
        self.responds = threading.Event()
        self.can_open = True
        self.callers = list[str]()
        self._folder = folder

    def open_file(self, **_: Any) -> io.FileIO:
        disk = self

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                disk.wait()
                return super().write(data)

            def close(self) -> None:
                disk.callers.append(threading.current_thread().name)
                super().close()

        if not self.can_open:
            self.wait()
        return File(str(self._folder), "w+b", opener=lambda path, _: os.open(path, _TEMPORARY))

    def wait(self) -> None:
        self.callers.append(threading.current_thread().name)
        self.responds.wait(60)


_TEMPORARY = os.O_TMPFILE | os.O_RDWR


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingDisk]:
    disk = HangingDisk(tmp_path)
    monkeypatch.setattr(tempfile, "TemporaryFile", disk.open_file)
    yield disk
    disk.responds.set()


@pytest.fixture
async def files() -> AsyncIterator[LocalTemporaryFiles]:
    async with open_temporary_files(TIMEOUT) as files:
        yield files


@pytest.mark.parametrize("can_open", [True, False])
async def test_a_file_that_hangs_belongs_to_its_thread(
    disk: HangingDisk, files: LocalTemporaryFiles, *, can_open: bool
) -> None:
    disk.can_open = can_open
    file, began_at = files.create(), time.monotonic()
    assert file.seekable()  # a library asks
    with pytest.raises(Unavailable):
        await files.call(file.write, b"content")
    assert time.monotonic() - began_at < 20 * TIMEOUT
    # Nobody else works with it or closes it.
    with pytest.raises(OSError, match="a thread works with the file") as raised:
        file.read(1)
    assert raised.value.errno == errno.EBUSY
    await files.close(file)
    assert not file.closed
    disk.responds.set()
    await wait_until(lambda: file.closed)
    assert {*disk.callers} == {"temporary_files"}
    with pytest.raises(ValueError, match="closed"):
        await files.call(file.read, 1)


@pytest.mark.parametrize(
    ("code", "expected"), [(errno.ENOSPC, NoUploadSpace), (errno.EROFS, Unavailable)]
)
async def test_errors_of_the_disk_are_those_of_the_port(
    files: LocalTemporaryFiles,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
    expected: type[Exception],
) -> None:
    def fail(**_: object) -> None:
        raise OSError(code, "of a path")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    with pytest.raises(expected) as raised:
        await files.call(files.create().write, b"content")
    assert "path" not in str(raised.value)
    await files.warn_if_unusable()
    assert ("temporary_folder_unusable" in caplog.text) is (expected is Unavailable)
