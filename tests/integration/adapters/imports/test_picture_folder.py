"""The folder with the pictures of an import: nothing outside of it is read."""

import os
from pathlib import Path

import pytest

from adapters.imports.picture_folder import PictureFolder, open_picture_folder
from application.features.imports.import_item import UnreadablePicture
from application.features.imports.lines import ImportProblem


async def problem_of(folder: PictureFolder, path: str) -> ImportProblem:
    opened = await folder.open(path)
    assert isinstance(opened, UnreadablePicture)
    return opened.problem


async def read(folder: PictureFolder, path: str) -> bytes:
    opened = await folder.open(path)
    assert not isinstance(opened, UnreadablePicture)
    with opened.file as file:
        content = file.read()
    assert len(content) == opened.size
    return content


async def test_files_are_opened_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Cat (1).jpg").write_bytes(b"content")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a" / "Cat (1).jpg")
    folder = open_picture_folder(tmp_path)

    for path in ("a/Cat (1).jpg", "./a/../a/Cat (1).jpg", "link.jpg"):
        assert await read(folder, path) == b"content"


@pytest.mark.parametrize(
    "path", ["../secret.jpg", "/etc/hostname", "link.jpg", "folder/secret.jpg", "link of a link"]
)
async def test_nothing_outside_of_the_folder_is_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "link of a link").symlink_to("link.jpg")

    assert await problem_of(open_picture_folder(folder), path) is ImportProblem.FILE_OUTSIDE


@pytest.mark.parametrize(
    "path", ["missing.jpg", "", ".", "folder", "pipe", "circle", "a\x00b", "half a \ud83d"]
)
async def test_what_is_no_file_is_missing(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "pipe")

    assert await problem_of(open_picture_folder(tmp_path), path) is ImportProblem.FILE_MISSING


async def test_a_name_that_is_too_long_is_unreadable(tmp_path: Path) -> None:
    path = "n" * 300
    assert await problem_of(open_picture_folder(tmp_path), path) is ImportProblem.FILE_UNREADABLE
