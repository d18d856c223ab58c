"""The service that `make call` starts: it uses the simulated Twilio and keeps its data."""

import os
from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Final, Self

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import ServerProcess
from tests.support.service import command, free_port

OPERATOR: Final = "+14155550100"
_OWN_PREFIXES: Final = ("DIALTONE_", "TWILIO_", "AWS_")


def phone_line_settings(public_url: str, twilio: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a phone line that the simulated Twilio calls."""
    return {
        "DIALTONE_SMS": "twilio",
        "DIALTONE_COUNTRIES": "*",
        "DIALTONE_PUBLIC_URL": public_url,
        "DIALTONE_OPERATOR": OPERATOR,
        **twilio,
    }


class OwnService(ServerProcess):
    """`dialtone run` on a free port, with its database in a folder."""

    name = "The service"

    def __init__(self, folder: Path, twilio: Mapping[str, str], flow: Path | None) -> None:
        super().__init__(Path(command()), folder)
        bind = f"127.0.0.1:{free_port()}"
        self.url = f"http://{bind}"
        self._settings = {
            "DIALTONE_BIND": bind,
            "DIALTONE_DATABASE": "sqlite:///dialtone.db",
            "DIALTONE_MEDIA": "file:media",
            "DIALTONE_SECRETS_FILE": "secrets.json",
            "DIALTONE_DRAIN_TIMEOUT": "2s",
            # A person who tries it calls often.
            "DIALTONE_INBOUND_LIMIT_PER_CALLER": "1000/1h",
            "DIALTONE_CALLBACK_LIMIT_PER_PHONE": "6/1d",
            **phone_line_settings(self.url, twilio),
            **({"DIALTONE_CALL_FLOW": str(flow)} if flow else {}),
        }

    def command(self) -> list[str]:
        return [str(self.program), "run"]

    def environ(self) -> Mapping[str, str]:
        """Return the environment without settings of another service."""
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith(_OWN_PREFIXES)
        }
        return inherited | self._settings

    def wait_until_ready(self) -> None:
        self.wait_until(self._responds)

    def __enter__(self) -> Self:
        self.log.unlink(missing_ok=True)
        return self.start()

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        except TimeoutExpired:
            self.kill()

    def _responds(self) -> bool:
        try:
            httpx.get(f"{self.url}/health/live", timeout=1, **PLAIN_HTTP)
        except httpx.TransportError:
            return False
        return True
