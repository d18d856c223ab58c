"""The export of all data of a person."""

from typing import Final

from entrypoints.features.feature import Feature


class Export(Feature):
    """The export of all data of a person."""

    name = "export"
    folders = (
        "application/export",
        "entrypoints/http/export",
        "entrypoints/commands/export",
    )


EXPORT: Final = Export()
