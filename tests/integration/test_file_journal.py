"""The journal as a file."""

import asyncio
import multiprocessing
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.files import lock_file
from adapters.journal.file_journal import FileJournal
from application.ports.errors import ConfigurationError
from application.ports.journal import JournalUnavailable
from tests.support.root import be_root


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_lines_are_added_to_a_private_file_also_after_it_was_renamed(file: Path) -> None:
    journal = FileJournal(file)
    asyncio.run(journal.check())
    assert not file.exists()

    asyncio.run(journal.write("1"))
    asyncio.run(journal.write("2"))
    asyncio.run(journal.check())
    file.rename(file.with_suffix(".1"))
    asyncio.run(journal.write("3"))

    assert file.with_suffix(".1").read_text() == "1\n2\n"
    assert file.read_text() == "3\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def write_many(file: Path, letter: str) -> None:
    async def write() -> None:
        journal = FileJournal(file)
        for _ in range(20):
            await journal.write(letter * 9_000)

    asyncio.run(write())


def test_processes_write_whole_lines(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(file, letter)) for letter in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    lines = file.read_text().splitlines()
    assert sorted(lines) == [letter * 9_000 for letter in "abc" for _ in range(20)]


def test_a_line_after_a_crash_begins_on_a_line_of_its_own(file: Path) -> None:
    file.write_text('{"time": "20')
    asyncio.run(FileJournal(file).write("2"))
    assert file.read_text() == '{"time": "20\n2\n'


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file of this process be larger than 100 bytes, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("small_files")
def test_on_a_full_disk_nothing_of_a_line_stays(file: Path) -> None:
    journal = FileJournal(file)
    asyncio.run(journal.write("1" * 60))
    with pytest.raises(JournalUnavailable, match="file too large"):
        asyncio.run(journal.write("2" * 60))
    asyncio.run(journal.write("3"))
    assert file.read_text() == f"{'1' * 60}\n3\n"


def test_a_file_that_cannot_be_written_is_an_error_with_its_fix(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "absent/journal.jsonl")
    with pytest.raises(ConfigurationError, match=r"no such file.*Create its folder"):
        asyncio.run(journal.check())
    with pytest.raises(JournalUnavailable, match="no such file"):
        asyncio.run(journal.write("1"))
    with pytest.raises(ConfigurationError, match="is a directory"):
        asyncio.run(FileJournal(tmp_path).check())


def test_nobody_waits_for_ever_for_a_process_that_keeps_the_lock(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.journal.file_journal.LOCK_TIMEOUT", 0.05)
    journal = FileJournal(file)
    with file.open("wb") as other:
        lock_file(other.fileno(), 0)
        with pytest.raises(JournalUnavailable, match="another process keeps the lock"):
            asyncio.run(journal.write("1"))
        with pytest.raises(ConfigurationError, match="another process keeps the lock"):
            asyncio.run(journal.check())
    asyncio.run(journal.write("2"))
    assert file.read_text() == "2\n"


def test_a_file_that_root_creates_belongs_to_the_owner_of_its_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = be_root(monkeypatch, {file.parent: (12_345, 12_346)})
    asyncio.run(FileJournal(file).write("1"))
    assert owners == {file: (12_345, 12_346)}
