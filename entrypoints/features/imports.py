"""Imports of users and of their pictures."""

from typing import TYPE_CHECKING, Final

from application.opened import Opened
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from application.features.imports.feature import ImportsFeature
    from entrypoints.parts.composition import Composition


class _Imports(Feature["ImportsFeature"]):
    name = "imports"
    adapters = ("imports",)
    needs = ("media",)

    async def open(self, composition: "Composition") -> Opened["ImportsFeature"]:
        """Make the use cases. To import items, the media store has to be open."""
        from application.features.imports.feature import ImportsFeature
        from entrypoints.features.media.feature import MEDIA, MediaSettings

        settings = composition.settings.of(MediaSettings)
        specs = settings.media_policy().variant_specs
        return Opened(
            lambda core: ImportsFeature(core, MEDIA.of(core), specs, settings.max_upload_size)
        )


IMPORTS: Final = _Imports()
