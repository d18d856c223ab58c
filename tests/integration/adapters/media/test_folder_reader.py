"""Reading files of a folder that is somebody else's."""

from pathlib import Path

import pytest

from adapters.media.disk.reader import open_folder_reader
from application.ports.errors import ConfigurationError


async def test_files_are_read_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Cat (1).jpg").write_bytes(b"content")
    reader = open_folder_reader(tmp_path)

    assert await reader.get_size("a/Cat (1).jpg") == 7
    async with reader.open_file("a/Cat (1).jpg") as stored:
        assert stored is not None
        assert b"".join([chunk async for chunk in stored.chunks]) == b"content"
    assert await reader.get_size("missing.jpg") is None
    assert await reader.get_size("n" * 300 + ".jpg") is None


@pytest.mark.parametrize("key", ["../secret.jpg", "/etc/hostname", "link.jpg", "a\x00b"])
async def test_nothing_outside_of_the_folder_is_read(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")

    assert await open_folder_reader(folder).get_size(key) is None


async def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").mkdir()

    assert await open_folder_reader(tmp_path).get_size("cat.jpg") is None


def test_a_missing_folder_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name another folder"):
        open_folder_reader(tmp_path / "missing")
