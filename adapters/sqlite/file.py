"""The file before SQLite sees it."""

import os
from pathlib import Path

from adapters.sqlite.errors import DatabaseNotUsable, at_open


def create_missing(path: Path) -> None:
    """Make the file if it is missing, for its owner alone, and the folders above it.

    Raises:
        DatabaseNotUsable
    """
    try:
        if path.is_dir():
            raise DatabaseNotUsable(f"{path} is a folder: name a file in it.")
        if path.is_file():
            # Not opened, not even to try: closing it would drop SQLite's locks on it.
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        # Another process was quicker, unless a file is in the place of a folder.
        if not path.is_file():
            raise at_open(path, error) from error
    except OSError as error:
        raise at_open(path, error) from error
