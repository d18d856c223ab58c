"""What features show of a user, and what they keep of one who is deleted."""

from typing import Final

from entrypoints.composition.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.parts.composition import Composition


class _Details(Feature):
    """The details that all features add. Only records are read: no port is opened."""

    name = "details"

    async def open(self, composition: Composition) -> None:
        for feature in FEATURES:
            feature.add_details(composition)


DETAILS: Final = _Details()
