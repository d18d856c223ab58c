"""Where the file lies: who could put another in its place."""

import os
import stat
from pathlib import Path
from typing import Final

from adapters.secrets_file.secrets import SecretsNotUsable

_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0


def check_place(path: Path) -> None:
    """Raise SecretsNotUsable when file or folder are another user's, or the folder open to others.

    Who may write to a folder may replace what is in it, whatever the mode of the file.
    """
    folder = path.parent
    for place in (path, folder):
        if _status(place).st_uid not in (_ROOT, os.geteuid()):
            raise SecretsNotUsable(
                f"{place} belongs to another user, who could change the keys: "
                f"chown it to the user that the service runs as (number {os.geteuid()})."
            )
    if _status(folder).st_mode & _OTHERS_MAY_WRITE:
        raise SecretsNotUsable(
            f"Others may write to {folder} and put keys of theirs there: chmod go-w {folder}"
        )


def _status(place: Path) -> os.stat_result:
    try:
        return place.stat()
    except OSError as error:
        raise SecretsNotUsable(f"{place} cannot be looked at ({error.strerror}).") from error
