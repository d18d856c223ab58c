"""The version of the program and its commit."""

import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from entrypoints.settings.startup_error import StartupError

ROOT: Final = Path(__file__).resolve().parents[2]
COMMIT_FILE: Final = "entrypoints/parts/commit.txt"
"""`git archive` and the build of the image write the commit there; a clone has a placeholder."""
UNKNOWN: Final = "unknown"
"""Placeholder if neither the file nor git has the commit."""

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


DISTRIBUTION: Final = "dialtone-server"
"""Its name for pip. `dialtone` on PyPI is another project."""


def installed_version() -> str:
    """Return the version. `pyproject.toml` is the only place that has it.

    Raises:
        StartupError: it is not installed; the code alone has no version.
    """
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        raise StartupError(
            f"{DISTRIBUTION} is not installed for this Python: run `make install` "
            "(docs/deployment.md)."
        ) from None


def describe_version() -> str:
    """Return version and commit, as `dialtone --version` shows them."""
    return f"{installed_version()} (commit {find_commit()})"
