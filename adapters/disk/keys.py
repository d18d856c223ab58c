"""Keys as file names that cannot leave their folder (OWASP ASVS 5.0 5.3.2)."""

import re
from pathlib import Path
from typing import Final

_SHAPE: Final = re.compile(r"(?=.{1,100}\Z)[0-9a-z]+(?:[._-][0-9a-z]+)*\Z")


def file_of(folder: Path, key: str) -> Path | None:
    """Give the place of a key's file, or None for what cannot be a key.

    A key is lower-case letters and digits with single dots, dashes and underscores between
    them: no path, nothing hidden, nothing that another file system reads differently.
    """
    return folder / key if _SHAPE.match(key) else None
