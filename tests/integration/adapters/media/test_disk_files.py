import errno
import os
import stat
import tempfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from adapters.media.disk import DiskFiles, open_disk_files
from adapters.media.disk.folder import UNFINISHED
from application.ports.errors import ConfigurationError, MediaStorageUnavailable
from tests.contract.suites.media.media_store import read_file
from tests.support.fakes.clock import MovableClock

KEY = f"ab/{1:032x}.jpg"
JPEG = "image/jpeg"
BASE_URL = "https://files.example/media"
INVALID_KEYS = [
    "", "..", "/etc/passwd", "a/../../secrets", f"{UNFINISHED}/one", ".hidden", "a..jpg", "A.jpg",
    "a\n", "ä.jpg", "a\\b", "a" * 101, "a//b", "a/", "a/.b",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "media"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def files(folder: Path, clock: MovableClock) -> AsyncIterator[DiskFiles]:
    async with open_disk_files(folder, BASE_URL, clock) as files:
        yield files


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_web_server_can_read_a_file_but_nothing_unfinished(
    files: DiskFiles, folder: Path
) -> None:
    await files.write(KEY, BytesIO(b"one"), JPEG)

    assert names_in(folder) == {UNFINISHED, "ab"}
    assert (folder / KEY).read_bytes() == b"one"
    modes = {name: mode_of(folder / name) for name in (".", KEY, "ab", UNFINISHED)}
    assert modes == {".": 0o750, KEY: 0o640, "ab": 0o750, UNFINISHED: 0o700}


def run_as_root(folder: Path, mode: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Let root write to the folder of user 4711; return where it gives away what it has created."""
    folder.chmod(mode)
    status, stat_of = folder.stat(), Path.stat
    owner = os.stat_result((*status[:4], 4711, 4712, *status[6:]))
    given: list[tuple[str, int]] = []

    def give(descriptor: int, user: int, group: int) -> None:
        assert group == owner.st_gid
        given.append((Path(f"/proc/self/fd/{descriptor}").readlink().parent.name, user))

    monkeypatch.setattr(
        Path, "stat", lambda path, **how: owner if path == folder else stat_of(path, **how)
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", give)
    return given


async def test_what_root_writes_has_the_owner_and_the_mode_of_the_media_folder(
    files: DiskFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = run_as_root(folder, 0o2770, monkeypatch)

    await files.write(KEY, BytesIO(b"one"), JPEG)

    assert given == [(UNFINISHED, 4711), (folder.name, 4711)]
    assert (mode_of(folder / KEY), mode_of((folder / KEY).parent)) == (0o660, 0o2770)


async def test_an_invalid_key_reaches_no_file(files: DiskFiles, folder: Path) -> None:
    (folder.parent / "secrets").write_bytes(b"secret")
    (folder / ".hidden").write_bytes(b"secret")

    for invalid_key in INVALID_KEYS:
        with pytest.raises(ValueError, match="not a storage key"):
            await files.write(invalid_key, BytesIO(b"one"), JPEG)
        assert await read_file(files, invalid_key) is None
        assert await files.get_size(invalid_key) is None
        await files.delete(invalid_key)

    assert (folder.parent / "secrets").read_bytes() == b"secret"
    assert names_in(folder) == {UNFINISHED, ".hidden"}


async def test_a_symbolic_link_is_not_followed(files: DiskFiles, folder: Path) -> None:
    secret = folder.parent / "secrets"
    secret.write_bytes(b"secret")
    (folder / KEY).parent.mkdir()
    (folder / KEY).symlink_to(secret)

    assert await read_file(files, KEY) is None
    assert await files.get_size(KEY) is None
    await files.write(KEY, BytesIO(b"one"), JPEG)
    assert await read_file(files, KEY) == b"one"
    assert secret.read_bytes() == b"secret"


async def test_a_file_is_synced_before_it_appears(
    files: DiskFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path, (folder / KEY).exists()))

    monkeypatch.setattr(os, "fsync", sync)
    await files.write(KEY, BytesIO(b"one"), JPEG)

    assert synced[0][0].parent == folder / UNFINISHED
    assert [exists for _, exists in synced] == [False] * (len(synced) - 1) + [True]
    assert synced[-1][0] == (folder / KEY).parent


async def test_a_disk_that_does_not_respond_times_out(folder: Path, clock: MovableClock) -> None:
    async with open_disk_files(folder, BASE_URL, clock, timeout_seconds=0) as files:
        for operation in (
            lambda: files.write(KEY, BytesIO(b"one"), JPEG),
            lambda: read_file(files, KEY),
            lambda: files.get_size(KEY),
            lambda: files.delete(KEY),
            files.check,
        ):
            with pytest.raises(MediaStorageUnavailable, match=r"^the disk does not respond$"):
                await operation()


def close_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the rights on a folder. Root would have them still."""
    has_access, scandir, mkstemp = os.access, os.scandir, tempfile.mkstemp

    def check(path: str) -> None:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, "permission denied", path)

    def scan(path: str) -> object:
        check(path)
        return scandir(path)

    def make(*, dir: str, **how: Any) -> object:  # noqa: A002 -- the name in tempfile
        check(dir)
        return mkstemp(dir=dir, **how)

    monkeypatch.setattr(
        os, "access", lambda path, *how, **more: Path(path) != folder and has_access(path, *how)
    )
    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(tempfile, "mkstemp", make)


@pytest.mark.parametrize("name", ["ab", UNFINISHED])
async def test_a_folder_that_cannot_be_entered_is_named_by_the_start_and_by_readiness(
    files: DiskFiles,
    folder: Path,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    await files.write(KEY, BytesIO(b"one"), JPEG)
    close_folder(folder / name, monkeypatch)

    with pytest.raises(MediaStorageUnavailable) as raised:
        await files.check()

    assert raised.value.reason == f"permission denied in the folder {name}"
    advice = f"The folder {folder / name} cannot be used .*: chown -R --reference={folder} "
    with pytest.raises(ConfigurationError, match=advice):
        async with open_disk_files(folder, BASE_URL, clock):
            pass
    if name == "ab":  # they are not taken for missing
        with pytest.raises(MediaStorageUnavailable, match="permission denied"):
            assert [key async for key in files.list_files()]
    async with open_disk_files(folder, BASE_URL, clock, is_service=False) as of_command:
        assert await read_file(of_command, KEY) == b"one"
