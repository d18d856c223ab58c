"""What features show of a user, and what they keep of one who is deleted."""

from typing import Final

from entrypoints.composition.features import FEATURES
from entrypoints.parts.composition import Composition
from entrypoints.parts.piece import Piece


class _Details(Piece):
    """The details that all features add. Only records are read: no port is opened."""

    name = "details"

    async def open(self, composition: Composition) -> None:
        for feature in FEATURES:
            feature.add_details(composition)


DETAILS: Final = _Details()
