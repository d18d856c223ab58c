"""The page at `/` of a service in development, and the web client."""

from typing import Final

from entrypoints.features.feature import Feature


class Start(Feature):
    """The page at `/` of a service in development, and the web client."""

    name = "start"
    folders = (
        "entrypoints/http/start",
        "entrypoints/http/client",
    )


START: Final = Start()
