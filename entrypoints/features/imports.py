"""Imports of users, and of the users and items of an older service."""

from typing import Final

from entrypoints.features.feature import Feature


class Imports(Feature):
    """Imports of users, and of the users and items of an older service."""

    name = "imports"
    folders = (
        "application/imports",
        "adapters/user_files",
        "entrypoints/commands/imports",
    )
    needs = ("media",)


IMPORTS: Final = Imports()
