"""The commit is read from its file, or from git."""

import subprocess
from pathlib import Path
from shutil import copyfile, unpack_archive
from typing import Final

import pytest

from entrypoints.parts.version import COMMIT_FILE, ROOT, find_commit

COMMIT: Final = f"{0xC0FFEE:040x}"
GIT: Final = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")


def git(folder: Path, *arguments: str) -> str:
    """Run git there, and return its output."""
    command = [*GIT, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--initial-branch=feature/main")
    git(folder, "commit", "--allow-empty", "--message=first")
    return folder


def test_in_a_clone_and_in_a_worktree_it_is_what_is_checked_out_there(
    clone: Path, tmp_path: Path
) -> None:
    first = git(clone, "rev-parse", "HEAD")
    assert find_commit(clone) == first

    git(clone, "pack-refs", "--all")
    assert find_commit(clone) == first

    git(clone, "commit", "--allow-empty", "--message=second")
    assert find_commit(clone) == git(clone, "rev-parse", "HEAD") != first

    git(clone, "checkout", "--detach", first)
    assert find_commit(clone) == first

    git(clone, "worktree", "add", "-b", "other", str(tmp_path / "worktree"), "feature/main")
    assert find_commit(tmp_path / "worktree") == git(clone, "rev-parse", "other") != first


def test_an_image_has_the_commit_that_its_build_wrote(tmp_path: Path) -> None:
    file = tmp_path / COMMIT_FILE
    file.parent.mkdir(parents=True)
    file.write_text(f"{COMMIT}\n")
    assert find_commit(tmp_path) == COMMIT


def test_an_archive_has_the_commit_that_it_was_made_of(clone: Path, tmp_path: Path) -> None:
    file = clone / COMMIT_FILE
    file.parent.mkdir(parents=True)
    copyfile(ROOT / ".gitattributes", clone / ".gitattributes")
    # Where these tests run in an archive, its commit is in the file.
    file.write_text((ROOT / COMMIT_FILE).read_text().replace(find_commit(), "$Format:%H$"))
    git(clone, "add", "--all")
    git(clone, "commit", "--message=second")
    git(clone, "archive", f"--output={tmp_path}/archive.tar", "HEAD")
    unpack_archive(tmp_path / "archive.tar", tmp_path / "unpacked", filter="data")

    commit = git(clone, "rev-parse", "HEAD")
    assert find_commit(tmp_path / "unpacked") == commit
    assert find_commit(clone) == commit
