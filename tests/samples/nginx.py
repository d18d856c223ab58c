"""nginx with the samples of the docs, in front of services."""

import os
import re
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import httpx

from tests.support.certificates import CertificateAuthority
from tests.support.servers.process import Process, find_or_install, free_ports, wait_until

SAMPLE: Final = Path(__file__).parents[2] / "docs/deploy/nginx/nginx.conf"
SERVER_NAME: Final = "dialtone.example.org"


class Nginx(Process):
    """An nginx with both samples, in front of two instances at these ports.

    Args:
        folder: Its folder.
        first: The port of one instance.
        second: The port of the other one.
    """

    name = "nginx"

    def __init__(self, folder: Path, first: int, second: int) -> None:
        self.http_port, self.port, self.hookaba_port = free_ports(3)
        self._errors = folder / "error"
        self.access_log, self.hookaba_log = folder / "access.log", folder / "hookaba.log"
        authority = CertificateAuthority(folder)
        certificate = authority.issue("service", SERVER_NAME)
        self.tls = ssl.create_default_context(cafile=authority.file)
        for name in ("privkey.pem", "fullchain.pem"):
            (folder / name).write_bytes(certificate.read_bytes())
        hookaba = replace_all(
            SAMPLE.with_name("hookaba.conf").read_text(),
            ("/var/log/nginx/hookaba.log", str(self.hookaba_log)),
            ("203.0.113.10", "127.0.0.1"),
            ("listen 80;", f"listen 127.0.0.1:{self.http_port};"),
            ("listen 5000 ", f"listen 127.0.0.1:{self.hookaba_port} "),
        )
        (folder / "hookaba.conf").write_text(hookaba)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        text = replace_all(
            re.sub(r".*listen \[::\].*\n", "", SAMPLE.read_text()),
            ("/etc/nginx/tls", str(folder)),
            ("/var/log/nginx/access.log", str(self.access_log)),
            ("listen 80", f"listen 127.0.0.1:{self.http_port}"),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            ("server 127.0.0.1:8000 ", f"server 127.0.0.1:{first} "),
            ("# server 127.0.0.1:8001 ", f"server 127.0.0.1:{second} "),
            ("# include /etc/nginx/hookaba.conf", f"include {folder}/hookaba.conf"),
            ("http {", f"pid {folder}/pid;\nerror_log {self._errors};\nhttp {{\n{paths}"),
        )
        self._file = folder / "nginx.conf"
        # Only root may have workers of another user.
        self._file.write_text(f"daemon off;\n{'user root;' * (os.geteuid() == 0)}\n{text}")

    def start(self) -> Self:
        """Start it, and wait until it passes a request on."""
        program = find_or_install("nginx", "nginx-light")
        self._process = subprocess.Popen([program, "-c", self._file, "-e", self._errors])
        wait_until(self._responds, explain=self._errors.read_text)
        return self

    def client(self, client_ip: str = "127.0.0.1") -> httpx.Client:
        """Return a client that uses the name of the service, as if it was this machine's."""

        def set_name(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = SERVER_NAME

        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            transport=httpx.HTTPTransport(verify=self.tls, local_address=client_ip),
            headers={"Host": SERVER_NAME},
            event_hooks={"request": [set_name]},
            timeout=60,
        )

    def _responds(self) -> bool:
        with suppress(httpx.TransportError), self.client() as http:
            return http.get("/health/live").is_success
        return False


def replace_all(text: str, *replacements: tuple[str, str]) -> str:
    """Return a sample with other ports and paths, each of which it has."""
    for written, used in replacements:
        assert written in text
        text = text.replace(written, used)
    return text
