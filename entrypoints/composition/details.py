"""What features show of a user, and what they keep of one who is deleted."""

from typing import Final

from entrypoints.parts.composition import Openable


class _Details(Openable):
    """The details that all features add. Only records are read: no port is opened."""

    name = "details"


DETAILS: Final = _Details()
