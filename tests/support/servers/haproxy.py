"""HAProxy with the sample of the docs, in front of services."""

import ssl
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import httpx

from tests.support.certificates import CertificateAuthority
from tests.support.held_connections import SERVER_NAME
from tests.support.proxy_client import open_client
from tests.support.servers.process import STOP_TIMEOUT, find_or_install, free_ports, wait_until

SAMPLE: Final = Path(__file__).parents[3] / "docs/deploy/haproxy/haproxy.cfg"


class Haproxy:
    """A HAProxy with the sample, in front of one service or two on these ports.

    Args:
        folder: Its folder.
        service_ports: The ports of the services.
        health_check: Replaces the health check of the sample.
    """

    def __init__(
        self, folder: Path, service_ports: Sequence[int], health_check: str | None = None
    ) -> None:
        self.http_port, self.port = free_ports(2)
        self._log = folder / "log"
        folder.mkdir(parents=True)
        authority = CertificateAuthority(folder)
        certificate = folder / "dialtone.pem"
        certificate.write_bytes(authority.issue("service", SERVER_NAME).read_bytes())
        self.tls = ssl.create_default_context(cafile=authority.file)
        # Other users than root may not change the user.
        text = "".join(
            f"{line}\n"
            for line in SAMPLE.read_text().splitlines()
            if "bind :::" not in line
            and line.split() not in (["user", "haproxy"], ["group", "haproxy"])
        )
        servers = [f"server s{port} 127.0.0.1:{port}" for port in service_ports]
        checks = "option httpchk GET /health/ready\n    http-check expect status 200"
        for written, used in (
            ("/etc/haproxy/tls/dialtone.pem", str(certificate)),
            ("bind :80", f"bind 127.0.0.1:{self.http_port}"),
            ("bind :443", f"bind 127.0.0.1:{self.port}"),
            ("log /dev/log local0", "log stdout format raw local0"),
            ("server first 127.0.0.1:8000", "\n    ".join(servers)),
            (checks, health_check or checks),
        ):
            assert written in text
            text = text.replace(written, used)
        self._file = folder / "haproxy.cfg"
        self._file.write_text(text)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Its log so far."""
        return self._log.read_text()

    def client(self, client_ip: str = "127.0.0.1") -> httpx.Client:
        """Return a client that uses the name of the service, as if it was this machine's."""
        return open_client(self.port, self.tls, client_ip)

    def start(self) -> Self:
        """Start it, and wait until it passes a request on."""
        program = find_or_install("haproxy")
        with self._log.open("wb") as log:
            # Without a master process, so that it ends with this one.
            self.process = subprocess.Popen(
                [program, "-db", "-f", self._file], stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self._responds, explain=lambda: self.log)
        return self

    def stop(self) -> None:
        """Stop it, if it was started."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT)

    def _responds(self) -> bool:
        with suppress(httpx.TransportError), self.client() as http:
            return http.get("/health/live").is_success
        return False
