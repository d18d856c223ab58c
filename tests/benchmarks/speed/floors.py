"""The two floors, as a program: a raw ASGI app, or a bare Litestar handler: NAME.

They run with the server settings of the service, because its `serve` runs them.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any, Final
from unittest.mock import patch

from granian.server import MPServer
from litestar import Litestar, get

from adapters.logging import configure_logging
from entrypoints.http.middleware import AsgiApp, AsgiReceive, AsgiScope, AsgiSend
from entrypoints.server.serve import serve
from entrypoints.settings.read import read_settings


@get("/health/live")
async def live() -> dict[str, str]:
    """Respond without reading anything."""
    return {"status": "ok"}


async def raw(scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
    """Respond without a framework."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"status":"ok"}'})


APPS: Final[Mapping[str, AsgiApp]] = {
    "asgi": raw,
    "litestar": Litestar([live], openapi_config=None, logging_config=None),
}


class FloorServer(MPServer):
    """granian with another app."""

    def serve(self, *_: Any, **options: Any) -> None:
        """Serve the app that the command line names."""
        super().serve(**{**options, "target_loader": lambda: APPS[sys.argv[1]]})


if __name__ == "__main__":
    settings = read_settings(os.environ, None)
    configure_logging(settings.log_level, settings.log_format)
    with patch("entrypoints.server.serve.Granian", FloorServer):
        serve(settings, settings.bind, lambda: None)
