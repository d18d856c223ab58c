"""The commit of the code: in a file of archives and images, and read from git in a clone."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
COMMIT_FILE: Final = "entrypoints/version/commit.txt"
"""`git archive` and the build of the image write the commit there; a clone has a placeholder."""
UNKNOWN: Final = "unknown"
"""In the place of a commit, where neither the file nor git has it."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCH: Final = "ref: "


def find_commit(root: Path = ROOT) -> str:
    """Return the commit of the code in a folder as hexadecimal digits, or `unknown`.

    Git's own files are read: a service may run where the program git is not, and that rejects a
    clone of another user.
    """
    with suppress(OSError, UnicodeDecodeError):
        if commit := _find((root / COMMIT_FILE).read_text()):
            return commit
    with suppress(OSError, UnicodeDecodeError):
        return _read_head(root / ".git") or UNKNOWN
    return UNKNOWN


def _read_head(git: Path) -> str | None:
    """Return the commit that is checked out: gitrepository-layout(5)."""
    if git.is_file():  # of a worktree, or of a submodule
        git = git.parent / git.read_text().strip().removeprefix("gitdir: ")
    head = (git / "HEAD").read_text().strip()
    if not head.startswith(_BRANCH):
        return _find(head)
    branch = head.removeprefix(_BRANCH)
    shared = git
    with suppress(FileNotFoundError):  # only a worktree has this file
        shared = git / (git / "commondir").read_text().strip()
    with suppress(FileNotFoundError):
        return _find((shared / branch).read_text())
    for line in (shared / "packed-refs").read_text().splitlines():
        commit, _, name = line.partition(" ")
        if name == branch:
            return _find(commit)
    return None


def _find(text: str) -> str | None:
    return text.strip() if _COMMIT.fullmatch(text.strip()) else None
