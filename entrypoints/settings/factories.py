"""Adapters of the operator's own, as they are written in settings."""

import re
from typing import Final

from entrypoints.settings.kinds import Factory

_FACTORY: Final = re.compile(r"(?P<package>[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# What begins an address, and so is a slip in one: sqlite:data is no factory.
_SCHEMES: Final = {"file", "http", "https", "mongodb", "s3", "sqlite"}


def read_factory(text: str) -> Factory | None:
    """Read `package.module:factory`; None when it is something else."""
    match = _FACTORY.fullmatch(text)
    if match is None or match["package"].lower() in _SCHEMES:
        return None
    return Factory(text)
