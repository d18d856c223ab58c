import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.disk import DiskFiles, MediaFolderNotUsable, open_disk_files
from adapters.disk.folder import UNFINISHED
from application.ports.errors import FilesUnavailable
from application.ports.media_files import MediaUrl
from tests.fakes.clock import MovableClock

KEY = f"{1:032x}.jpg"
JPEG = "image/jpeg"
OPEN = Path("/dev/fd")
BASE_URL = "https://files.example/media"
NO_KEYS = [
    "",
    ".",
    "..",
    "/etc/passwd",
    "../secrets",
    "a/../../secrets",
    f"{UNFINISHED}/one",
    ".hidden",
    "a..jpg",
    "a.",
    "A.jpg",
    "a b",
    "a\n",
    "a\0b",
    "ä.jpg",
    "a\\b",
    "a" * 101,
]


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


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def read(files: DiskFiles, key: str) -> bytes | None:
    file = await files.open_file(key)
    return b"".join([chunk async for chunk in file.chunks]) if file else None


def open_descriptors(file: Path) -> int:
    """How often this process has the file open."""
    return sum(open_file.exists() and open_file.samefile(file) for open_file in OPEN.iterdir())


def lose(folder: Path) -> None:
    """Take the disk away, so that the empty folder below it is seen."""
    shutil.rmtree(folder)
    folder.mkdir()


def link_elsewhere(folder: Path, elsewhere: Path) -> None:
    folder.mkdir(parents=True)
    (folder / UNFINISHED).symlink_to(elsewhere)


async def test_a_file_lies_under_its_key_for_a_web_server_to_read(
    files: DiskFiles, folder: Path
) -> None:
    await files.write(KEY, b"one", JPEG)

    assert names_in(folder) == {UNFINISHED, KEY}
    assert (folder / KEY).read_bytes() == b"one"
    assert stat.S_IMODE((folder / KEY).stat().st_mode) == 0o644
    assert names_in(folder / UNFINISHED) == set()


async def test_unfinished_files_are_nobody_elses_to_read(files: DiskFiles, folder: Path) -> None:
    assert stat.S_IMODE((folder / UNFINISHED).stat().st_mode) == 0o700


async def test_an_address_is_the_base_and_the_key_and_lasts(
    folder: Path, files: DiskFiles, clock: MovableClock
) -> None:
    assert await files.url_for(KEY) == MediaUrl(f"{BASE_URL}/{KEY}", expires_at=None)
    async with open_disk_files(folder, f"{BASE_URL}/", clock) as slashed:
        assert await slashed.url_for(KEY) == MediaUrl(f"{BASE_URL}/{KEY}")


@pytest.mark.parametrize("no_key", NO_KEYS)
async def test_what_cannot_be_a_key_reaches_no_file(
    files: DiskFiles, folder: Path, no_key: str
) -> None:
    (folder.parent / "secrets").write_bytes(b"secret")
    (folder / ".hidden").write_bytes(b"secret")

    with pytest.raises(ValueError, match="not a storage key"):
        await files.write(no_key, b"one", JPEG)
    assert await files.open_file(no_key) is None
    await files.delete(no_key)

    assert (folder.parent / "secrets").read_bytes() == b"secret"
    assert names_in(folder) == {UNFINISHED, ".hidden"}


async def test_a_link_in_a_files_place_is_not_followed(files: DiskFiles, folder: Path) -> None:
    secret = folder.parent / "secrets"
    secret.write_bytes(b"secret")
    (folder / KEY).symlink_to(secret)

    assert await files.open_file(KEY) is None
    await files.write(KEY, b"one", JPEG)
    assert await read(files, KEY) == b"one"
    assert secret.read_bytes() == b"secret"


async def test_what_is_no_file_is_not_read(files: DiskFiles, folder: Path) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")

    assert await files.open_file("folder") is None
    assert await files.open_file("pipe") is None


async def test_a_file_that_is_being_read_may_be_removed(files: DiskFiles) -> None:
    content = bytes(range(256)) * 2000
    await files.write(KEY, content, JPEG)
    file = await files.open_file(KEY)
    assert file is not None

    await files.delete(KEY)

    assert b"".join([chunk async for chunk in file.chunks]) == content
    assert await files.open_file(KEY) is None


async def test_a_file_is_read_in_pieces_of_64_kib(files: DiskFiles) -> None:
    await files.write(KEY, bytes(150_000), JPEG)
    file = await files.open_file(KEY)
    assert file is not None

    assert [len(chunk) async for chunk in file.chunks] == [65_536, 65_536, 18_928]


async def test_a_file_is_closed_after_its_end_and_when_its_reader_stops(
    files: DiskFiles, folder: Path
) -> None:
    await files.write(KEY, bytes(150_000), JPEG)
    whole, begun, untouched = [await files.open_file(KEY) for _ in range(3)]
    assert whole
    assert begun
    assert untouched
    assert open_descriptors(folder / KEY) == 3

    async for _ in whole.chunks:
        pass
    assert [chunk async for chunk in whole.chunks] == []
    assert open_descriptors(folder / KEY) == 2

    await anext(begun.chunks)
    del begun
    for _ in range(10_000):
        if open_descriptors(folder / KEY) == 1:
            break
        # The thread that read the piece holds the file a moment longer, and tells nobody.
        await asyncio.sleep(0.001)
    assert open_descriptors(folder / KEY) == 1

    del untouched
    assert open_descriptors(folder / KEY) == 0


async def test_sweeping_goes_by_when_an_upload_was_last_heard_of(
    files: DiskFiles, folder: Path, clock: MovableClock
) -> None:
    left = folder / UNFINISHED / "left"
    left.write_bytes(b"half")
    begun = clock.now().timestamp()
    os.utime(left, (begun, begun))

    assert await files.delete_unfinished(clock.now()) == 0
    assert await files.delete_unfinished(clock.now() + timedelta(milliseconds=1)) == 1
    assert names_in(folder / UNFINISHED) == set()


async def test_two_sweeps_at_once_count_each_file_once(files: DiskFiles, folder: Path) -> None:
    for number in range(100):
        (folder / UNFINISHED / f"left-{number}").touch()
    later = MovableClock().now() + timedelta(days=365 * 100)

    counts = await asyncio.gather(*(files.delete_unfinished(later) for _ in range(4)))

    assert sum(counts) == 100


async def test_a_look_leaves_nothing_behind(files: DiskFiles, folder: Path) -> None:
    await files.check()

    assert names_in(folder) == {UNFINISHED}
    assert names_in(folder / UNFINISHED) == set()


async def test_what_is_stored_in_vain_leaves_nothing_behind(files: DiskFiles, folder: Path) -> None:
    (folder / KEY).mkdir()

    with pytest.raises(FilesUnavailable) as refused:
        await files.write(KEY, b"one", JPEG)

    assert str(refused.value) == "EISDIR"
    assert names_in(folder / UNFINISHED) == set()


async def test_a_disk_that_is_no_longer_mounted_is_neither_written_nor_taken_for_empty(
    files: DiskFiles, folder: Path
) -> None:
    lose(folder)

    ways: list[Callable[[], Awaitable[object]]] = [
        lambda: files.write(KEY, b"one", JPEG),
        lambda: files.open_file(KEY),
        lambda: files.delete(KEY),
        files.check,
    ]
    for way in ways:
        with pytest.raises(FilesUnavailable, match=r"^the folder is gone$"):
            await way()
    assert names_in(folder) == set()


async def test_a_disk_that_does_not_answer_is_not_waited_for_without_end(
    folder: Path, clock: MovableClock
) -> None:
    async with open_disk_files(folder, BASE_URL, clock, patience=0) as files:
        ways: list[Callable[[], Awaitable[object]]] = [
            lambda: files.write(KEY, b"one", JPEG),
            lambda: files.open_file(KEY),
            files.check,
        ]
        for way in ways:
            with pytest.raises(FilesUnavailable, match=r"^the disk does not answer$"):
                await way()


async def test_a_folder_is_used_again_with_what_is_in_it(
    files: DiskFiles, folder: Path, clock: MovableClock
) -> None:
    await files.write(KEY, b"one", JPEG)
    (folder / UNFINISHED / "left").touch()

    async with open_disk_files(folder, BASE_URL, clock) as again:
        assert await read(again, KEY) == b"one"
        assert names_in(folder / UNFINISHED) == {"left"}


@pytest.mark.parametrize("place", ["var", "var/media", f"var/media/{UNFINISHED}"])
async def test_a_folder_with_something_else_in_its_place_is_refused(
    tmp_path: Path, folder: Path, clock: MovableClock, place: str
) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_bytes(b"a file")

    with pytest.raises(MediaFolderNotUsable) as refused:
        async with open_disk_files(folder, BASE_URL, clock):
            pass

    assert str(refused.value) == (
        f"The media folder {folder} cannot be made, as something else is in its place: "
        "move that away, or name another folder."
    )


async def test_a_folder_whose_unfinished_files_would_go_elsewhere_is_refused(
    folder: Path, tmp_path: Path, clock: MovableClock
) -> None:
    link_elsewhere(folder, tmp_path)

    with pytest.raises(MediaFolderNotUsable):
        async with open_disk_files(folder, BASE_URL, clock):
            pass
