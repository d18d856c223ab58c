"""A proxy with TLS in front of a service, as a sample of the docs configures it."""

import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx

from tests.support.certificates import CertificateAuthority
from tests.support.held_connections import SERVER_NAME
from tests.support.servers.process import STOP_TIMEOUT, free_ports


class Proxy:
    """Its ports, its certificate, and its process once it is started."""

    process: "subprocess.Popen[bytes] | None" = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http_port, self.port = free_ports(2)
        folder.mkdir(parents=True)
        authority = CertificateAuthority(folder)
        self.certificate = authority.issue("service", SERVER_NAME)
        self.tls = ssl.create_default_context(cafile=authority.file)

    def stop(self) -> None:
        """Stop it, if it was started."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_TIMEOUT)

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

    def responds(self) -> bool:
        """Return whether it passes a request on."""
        with suppress(httpx.TransportError), self.client() as http:
            return http.get("/health/live").is_success
        return False


def replace_all(text: str, *replacements: tuple[str, str]) -> str:
    """Return a sample with other ports and paths, each of which it has."""
    for written, used in replacements:
        assert written in text
        text = text.replace(written, used)
    return text
