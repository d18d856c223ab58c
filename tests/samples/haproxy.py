"""HAProxy with the sample of the docs, in front of services."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from tests.samples.proxy import Proxy, replace_all
from tests.support.servers.process import find_or_install, wait_until

SAMPLE: Final = Path(__file__).parents[2] / "docs/deploy/haproxy/haproxy.cfg"
SMALL_LIMITS: Final = (
    ("sc0_conn_cur gt 1000", "sc0_conn_cur gt 100"),
    ("timeout client 20s", "timeout client 5s"),
)
"""One IP may have fewer connections, and clients that send or read nothing have less time."""


class Haproxy(Proxy):
    """A HAProxy with the sample, in front of one service or two on these ports.

    Args:
        folder: Its folder.
        service_ports: The ports of the services.
        health_check: Replaces the health check of the sample.
        changes: What else of the sample is replaced.
    """

    def __init__(
        self,
        folder: Path,
        service_ports: Sequence[int],
        health_check: str | None = None,
        changes: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(folder)
        self.access_log = folder / "log"
        # Other users than root may not change the user.
        text = "".join(
            f"{line}\n"
            for line in SAMPLE.read_text().splitlines()
            if "bind :::" not in line
            and line.split() not in (["user", "haproxy"], ["group", "haproxy"])
        )
        servers = [f"server s{port} 127.0.0.1:{port}" for port in service_ports]
        checks = "option httpchk GET /health/ready\n    http-check expect status 200"
        text = replace_all(
            text,
            ("/etc/haproxy/tls/dialtone.pem", str(self.certificate)),
            ("bind :80", f"bind 127.0.0.1:{self.http_port}"),
            ("bind :443", f"bind 127.0.0.1:{self.port}"),
            ("log /dev/log local0", "log stdout format raw local0"),
            ("server first 127.0.0.1:8000", "\n    ".join(servers)),
            (checks, health_check or checks),
            *changes,
        )
        self._file = folder / "haproxy.cfg"
        self._file.write_text(text)

    @property
    def log(self) -> str:
        """Its log so far."""
        return self.access_log.read_text()

    def start(self) -> Self:
        """Start it, and wait until it passes a request on."""
        program = find_or_install("haproxy")
        with self.access_log.open("wb") as log:
            # Without a master process, so that it ends with this one.
            self.process = subprocess.Popen(
                [program, "-db", "-f", self._file], stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self.responds, explain=lambda: self.log)
        return self
