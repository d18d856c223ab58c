"""The service that `make call` starts: it uses the simulated Twilio and keeps its data."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Final

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import ServerProcess
from tests.support.service import command, free_port

OPERATOR: Final = "+14155550100"
_OWN_PREFIXES: Final = ("DIALTONE_", "TWILIO_", "AWS_")
# A person who tries it calls often.
_HIGH_LIMITS: Final = {
    "DIALTONE_INBOUND_LIMIT_PER_CALLER": "1000/1h",
    "DIALTONE_CALLBACK_LIMIT_PER_PHONE": "6/1d",
}


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
        self.port = free_port()
        self._twilio = twilio
        self._flow = flow

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [str(self.program), "run"]

    def environ(self) -> Mapping[str, str]:
        """Return the environment without settings of another service."""
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith(_OWN_PREFIXES)
        }
        return {
            **inherited,
            "DIALTONE_BIND": f"127.0.0.1:{self.port}",
            "DIALTONE_DATABASE": "sqlite:///dialtone.db",
            "DIALTONE_MEDIA": "file:media",
            "DIALTONE_SECRETS_FILE": "secrets.json",
            "DIALTONE_DRAIN_TIMEOUT": "2s",
            **_HIGH_LIMITS,
            **phone_line_settings(self.url, self._twilio),
            **({"DIALTONE_CALL_FLOW": str(self._flow)} if self._flow else {}),
        }

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: _responds(self.url))

    def __enter__(self) -> "OwnService":
        self.log.unlink(missing_ok=True)
        return self.start()

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        except TimeoutExpired:
            self.kill()

    def forget(self) -> None:
        """Delete the data of earlier runs."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _responds(url: str) -> bool:
    try:
        httpx.get(f"{url}/health/live", timeout=1, **PLAIN_HTTP)
    except httpx.TransportError:
        return False
    return True
