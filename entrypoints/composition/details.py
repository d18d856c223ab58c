"""Details that features show of a user, and data that they keep of a deleted user."""

from typing import Final

from entrypoints.parts.composition import Openable


class _Details(Openable):
    """The details that all features add. Only records are read: no port is opened."""

    name = "details"


DETAILS: Final = _Details()
