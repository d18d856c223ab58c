"""Imports of users and of their pictures."""

from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.opening.opening import Opening


class _Imports(Feature):
    name = "imports"
    adapters = ("imports",)
    needs = ("media",)

    async def open(self, opening: "Opening") -> None:
        """Add the use cases. To import items, the media store has to be open."""
        from application.features.imports.feature import ImportsFeature
        from entrypoints.features.media.feature import MediaSettings

        settings = opening.settings.of(MediaSettings)
        specs = settings.media_policy().variant_specs
        opening.use_cases.add(ImportsFeature(opening.use_cases, specs, settings.max_upload_size))


IMPORTS: Final = _Imports()
