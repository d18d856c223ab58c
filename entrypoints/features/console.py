"""The web console of administrators."""

from typing import Final

from entrypoints.features.feature import Feature


class Console(Feature):
    """The web console of administrators."""

    name = "console"
    folders = (
        "domain/console",
        "application/console",
        "application/ports/console.py",
        "adapters/records/features/console.py",
        "entrypoints/http/console",
    )


CONSOLE: Final = Console()
