"""Imports of users, and of the users and items of another service."""

from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.opening.opening import Opening


class _Imports(Feature):
    """Imports of users, and of the users and items of another service."""

    name = "imports"
    adapters = ("imports", "databases/mongo/source_database.py")
    needs = ("media",)

    async def open(self, opening: "Opening") -> None:
        """Add the use cases. To import items, the media store has to be open."""
        from application.features.imports.feature import ImportsFeature
        from entrypoints.features.media.feature import MediaSettings

        specs = opening.settings.of(MediaSettings).media_policy().variant_specs
        opening.use_cases.add(ImportsFeature(opening.use_cases, specs))


IMPORTS: Final = _Imports()
