"""The floor, as a program: a Litestar handler and nothing else.

It runs with the server settings of the service, because its `serve` runs it.
"""

import os
from typing import Any
from unittest.mock import patch

from granian.server import MPServer
from litestar import Litestar, get

from adapters.operations.logging import configure_logging
from entrypoints.composition.read_settings import read_settings
from entrypoints.server.serve import serve


@get("/health/live")
async def live() -> dict[str, str]:
    """Respond without reading anything."""
    return {"status": "ok"}


class BareServer(MPServer):
    """granian with another app."""

    def serve(self, *_: Any, **options: Any) -> None:
        """Serve the handler."""
        app = Litestar([live], openapi_config=None, logging_config=None)
        super().serve(**{**options, "target_loader": lambda: app})


if __name__ == "__main__":
    settings = read_settings(os.environ, None)
    configure_logging(settings.log_level, settings.log_format)
    with patch("entrypoints.server.serve.Granian", BareServer):
        serve(settings, settings.bind, lambda _: None)
