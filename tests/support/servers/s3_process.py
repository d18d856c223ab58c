"""SeaweedFS as a process: an S3 server with its own disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.servers.packages import WEED
from tests.support.servers.ports import free_pair, free_ports
from tests.support.servers.process import ServerProcess
from tests.support.servers.s3_server import BUCKET, S3HealthCheck, S3Server

# Only S3 and the parts that it needs, without telemetry.
MINI_OPTIONS: Final = (
    f"-bucket={BUCKET}",
    "-admin.ui=false",
    "-webdav=false",
    "-s3.iam=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
    # Each bucket has its own volumes; by default a small disk allows only a few.
    "-volume.max=1000",
)
_PARTS: Final = ("s3", "master", "volume", "filer", "admin")
_PORTS: Final = [f"{part}.port{kind}" for part in _PARTS for kind in ("", ".grpc")]
_GRPC_OFFSET: Final = 10_000
"""The default distance between a port and its gRPC port."""


class S3Process(ServerProcess):
    """A `weed mini`: its parts use ten ports of 127.0.0.1."""

    name = "weed"

    def __init__(self, folder: Path) -> None:
        super().__init__(WEED.program(), folder)
        self._ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        # One part uses the default offset for the admin port, whatever the options are. It must not
        # connect to another server.
        self._ports["admin.port"], self._ports["admin.port.grpc"] = free_pair(_GRPC_OFFSET)
        self.server = S3Server(f"http://127.0.0.1:{self._ports['s3.port']}")

    def command(self) -> list[str]:
        return [
            str(self.program),
            "-logtostderr=true",
            "mini",
            f"-dir={self.folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-s3.localSocket={self.folder}/s3.sock",
            f"-filer.localSocket={self.folder}/filer.sock",
            # After a resume its parts may need five seconds to find each other.
            "-master.resumeState=false",
            *MINI_OPTIONS,
            *(f"-{name}={port}" for name, port in self._ports.items()),
        ]

    def environ(self) -> Mapping[str, str]:
        # Without keys it would accept all requests, and no test could use a wrong key.
        return {**super().environ(), **self.server.environ()}

    def wait_until_ready(self) -> None:
        self.wait_until(S3HealthCheck(self.server).is_healthy)

    def kill(self) -> None:
        super().kill()
        # A killed process leaves its sockets, whose names contain the port.
        for part in _PARTS:
            port = self._ports[f"{part}.port.grpc"]
            Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108
