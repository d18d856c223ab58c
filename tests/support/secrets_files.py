"""Secrets files for tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.secrets_file import Secrets, load_or_make_secrets


def made_secrets(path: Path) -> Secrets:
    """Make the file, as a first start does."""
    return load_or_make_secrets(path, may_make=True)


def read_secrets(path: Path) -> Secrets:
    """Read what is there."""
    return load_or_make_secrets(path, may_make=False)


def change_secrets(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the document in its place, as an operator does with an editor."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
