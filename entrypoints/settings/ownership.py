"""Files that decide what the service does belong to its user or to root."""

import os
import pwd
import stat
from pathlib import Path
from typing import Final

_ROOT: Final = 0


def find_ownership_problem(path: Path, status: os.stat_result) -> str | None:
    """Return why another user can decide what the file contains, with the fix, or None."""
    user = os.geteuid()
    if status.st_uid not in (user, _ROOT):
        # Without -h, chown changes the target of a link.
        chown = "chown -h" if stat.S_ISLNK(status.st_mode) else "chown"
        return (
            f"{path} belongs to {_describe_user(status.st_uid)}. It must belong to root or to the "
            f"user that runs this command (uid {user}). Check what it contains. "
            f"Fix: run the command as that user, or {chown} {user} {path}"
        )
    if stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IWOTH:
        return f"Every user can write to {path}. Check what it contains. Fix: chmod o-w {path}"
    return None


def _describe_user(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
