"""What the service does with the rights of root, tried by any user."""

import os
from collections.abc import Mapping
from pathlib import Path
from stat import ST_GID, ST_UID

import pytest


def be_root(
    monkeypatch: pytest.MonkeyPatch, owners: Mapping[Path, tuple[int, int]]
) -> dict[Path, tuple[int, int]]:
    """Let the process be root, and these paths have other owners (user and group).

    Return the owners that files get, by the path that each has then.
    """
    given: dict[Path, tuple[int, int]] = {}
    stat = os.stat

    def stat_with_owner(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = [*stat(path, follow_symlinks=follow_symlinks)]
        if path in owners:
            status[ST_UID], status[ST_GID] = owners[path]
        return os.stat_result(status)

    def give(file: Path | int, user: int, group: int) -> None:
        path = Path(f"/proc/self/fd/{file}").readlink() if isinstance(file, int) else file
        given[path] = user, group

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", stat_with_owner)
    monkeypatch.setattr(os, "chown", give)
    monkeypatch.setattr(os, "fchown", give)
    return given
