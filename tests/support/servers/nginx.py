"""nginx with the sample of the docs, in front of a service."""

import os
import re
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import httpx

from tests.support.certificates import CertificateAuthority
from tests.support.held_connections import SERVER_NAME
from tests.support.proxy_client import open_client
from tests.support.servers.process import STOP_TIMEOUT, find_or_install, free_ports, wait_until

SAMPLE: Final = Path(__file__).parents[3] / "docs/deploy/nginx/nginx.conf"


class Nginx:
    """An nginx with the sample, in front of one service or of two, on these ports."""

    def __init__(self, folder: Path, service_port: int, second_port: int | None = None) -> None:
        self.http_port, self.port = free_ports(2)
        self._folder = folder
        tls = folder / "tls"
        tls.mkdir(parents=True)
        authority = CertificateAuthority(folder)
        certificate = authority.issue("service", SERVER_NAME).read_bytes()
        (tls / "privkey.pem").write_bytes(certificate)
        (tls / "fullchain.pem").write_bytes(certificate)
        self.tls = ssl.create_default_context(cafile=authority.file)
        text = SAMPLE.read_text()
        text = re.sub(r".*listen \[::\].*\n", "", text)
        for written, used in (
            ("/etc/nginx/tls", str(tls)),
            ("listen 80", f"listen 127.0.0.1:{self.http_port}"),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            ("server 127.0.0.1:8000 ", f"server 127.0.0.1:{service_port} "),
            _second_server(second_port),
            ("http {", f"pid {folder}/pid;\nerror_log {folder}/error;\nhttp {{\n{self._paths()}"),
        ):
            assert written in text
            text = text.replace(written, used)
        self._file = folder / "nginx.conf"
        # Only root may have workers of another user.
        self._file.write_text(f"daemon off;\n{'user root;' * (os.geteuid() == 0)}\n{text}")
        self.process: subprocess.Popen[bytes] | None = None

    def client(self, client_ip: str = "127.0.0.1") -> httpx.Client:
        """Return a client that uses the name of the service, as if it was this machine's."""
        return open_client(self.port, self.tls, client_ip)

    def start(self) -> Self:
        """Start it, and wait until it passes a request on."""
        program = find_or_install("nginx", "nginx-light")
        self.process = subprocess.Popen([program, "-c", self._file, "-e", self.errors])
        wait_until(self._responds, explain=self.errors.read_text)
        return self

    def stop(self) -> None:
        """Stop it, if it was started."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_TIMEOUT)

    @property
    def errors(self) -> Path:
        """The file of its messages."""
        return self._folder / "error"

    def _responds(self) -> bool:
        with suppress(httpx.TransportError), self.client() as http:
            return http.get("/health/live").is_success
        return False

    def _paths(self) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = [f"{kind}_temp_path {self._folder}/{kind};" for kind in kinds]
        return "\n".join(["access_log off;", *paths])


def _second_server(port: int | None) -> tuple[str, str]:
    """Return the line of the second instance in the sample, and the one that is used."""
    line = "# server 127.0.0.1:8001 "
    return line, line if port is None else f"server 127.0.0.1:{port} "
