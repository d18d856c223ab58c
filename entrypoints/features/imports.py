"""Imports of users and of their pictures."""

from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.parts.composition import Composition


class _Imports(Feature):
    name = "imports"
    adapters = ("imports",)
    needs = ("media",)

    async def open(self, composition: "Composition") -> None:
        """Add the use cases. To import items, the media store has to be open."""
        from application.features.imports.feature import ImportsFeature
        from entrypoints.features.media.feature import MediaSettings

        settings = composition.settings.of(MediaSettings)
        specs = settings.media_policy().variant_specs
        composition.use_cases.add(
            ImportsFeature(composition.use_cases, specs, settings.max_upload_size)
        )


IMPORTS: Final = _Imports()
