"""Little free space is a problem of the disk, and a warning once an hour."""

import logging
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from adapters.operations.system import FreeSpaceCheck
from application.ports.errors import PortError


class Usage(NamedTuple):
    total: int
    free: int


class Disks:
    """The file systems of some folders, and a clock."""

    def __init__(self) -> None:
        self.usages: dict[Path, Usage] = {}
        self.now = 1000.0

    def usage(self, folder: Path) -> Usage:
        if folder.name == "missing":
            raise FileNotFoundError
        return self.usages.get(folder, Usage(100, 90))


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> Disks:
    disks = Disks()
    monkeypatch.setattr(shutil, "disk_usage", disks.usage)
    return disks


async def test_a_disk_is_low_below_five_percent(disks: Disks) -> None:
    check = FreeSpaceCheck([Path("/data"), Path("/missing"), Path("/media")])
    disks.usages[Path("/media")] = Usage(1000, 50)
    disks.usages[Path("/data")] = Usage(0, 0)  # such as that of a device
    await check.check()

    disks.usages[Path("/media")] = Usage(1000, 49)
    with pytest.raises(PortError, match="low"):
        await check.check()


async def test_the_disk_of_temporary_files_is_watched(
    disks: Disks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/temporary")
    disks.usages[Path("/temporary")] = Usage(1000, 1)

    with pytest.raises(PortError, match="low"):
        await FreeSpaceCheck([]).check()


async def test_a_folder_for_temporary_files_that_cannot_be_used_is_a_problem(
    disks: Disks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/not-there")
    with pytest.raises(PortError, match="no temporary folder"):
        await FreeSpaceCheck([]).check()


async def test_it_warns_once_an_hour_of_the_fullest_disk(
    disks: Disks, caplog: pytest.LogCaptureFixture
) -> None:
    check = FreeSpaceCheck([Path("/data"), Path("/media")], lambda: disks.now)
    disks.usages = {Path("/data"): Usage(1000, 40), Path("/media"): Usage(1000, 12)}

    for minutes in (0, 59, 60):
        disks.now = 1000.0 + minutes * 60
        with pytest.raises(PortError):
            await check.check()

    line = {"event": "disk_space_low", "folder": "/media", "free_percent": 1.2}
    assert [(record.levelno, record.msg) for record in caplog.records] == [
        (logging.WARNING, line)
    ] * 2
