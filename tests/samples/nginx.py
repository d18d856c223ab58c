"""nginx with the sample of the docs, in front of a service."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from tests.samples.proxy import Proxy, replace_all
from tests.support.servers.process import find_or_install, wait_until

SAMPLE: Final = Path(__file__).parents[2] / "docs/deploy/nginx/nginx.conf"
HOOKABA: Final = SAMPLE.with_name("hookaba.conf")
SMALL_LIMITS: Final = (
    ("limit_conn clients 1000", "limit_conn clients 100"),
    ("send_timeout 20s", "send_timeout 5s"),
)
"""One IP may have fewer connections, and clients that read nothing have less time."""


class Nginx(Proxy):
    """An nginx with the sample, in front of one service or of two, on these ports.

    Args:
        folder: Its folder.
        service_port: The port of the service.
        second_port: That of the second instance, if there is one.
        changes: What else of the sample is replaced.
    """

    def __init__(
        self,
        folder: Path,
        service_port: int,
        second_port: int | None = None,
        changes: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(folder)
        tls = folder / "tls"
        tls.mkdir()
        for name in ("privkey.pem", "fullchain.pem"):
            (tls / name).write_bytes(self.certificate.read_bytes())
        text = replace_all(
            re.sub(r".*listen \[::\].*\n", "", SAMPLE.read_text()),
            ("/etc/nginx/tls", str(tls)),
            ("/var/log/nginx/access.log", str(self.access_log)),
            ("listen 80", f"listen 127.0.0.1:{self.http_port}"),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            ("server 127.0.0.1:8000 ", f"server 127.0.0.1:{service_port} "),
            _second_server(second_port),
            ("http {", f"pid {folder}/pid;\nerror_log {folder}/error;\nhttp {{\n{self._paths()}"),
            *changes,
        )
        self._file = folder / "nginx.conf"
        # Only root may have workers of another user.
        self._file.write_text(f"daemon off;\n{'user root;' * (os.geteuid() == 0)}\n{text}")

    def start(self) -> Self:
        """Start it, and wait until it passes a request on."""
        program = find_or_install("nginx", "nginx-light")
        self.process = subprocess.Popen([program, "-c", self._file, "-e", self.errors])
        wait_until(self.responds, explain=self.errors.read_text)
        return self

    @property
    def errors(self) -> Path:
        """The file of its messages."""
        return self.folder / "error"

    @property
    def access_log(self) -> Path:
        """The file with a line for each request."""
        return self.folder / "access.log"

    def _paths(self) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = [f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds]
        return "\n".join(paths)


def _second_server(port: int | None) -> tuple[str, str]:
    """Return the line of the second instance in the sample, and the one that is used."""
    line = "# server 127.0.0.1:8001 "
    return line, line if port is None else f"server 127.0.0.1:{port} "
