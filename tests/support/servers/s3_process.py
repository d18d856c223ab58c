"""SeaweedFS as a process: an S3 server with its own disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.servers.packages import WEED
from tests.support.servers.process import ServerProcess, free_ports
from tests.support.servers.s3_server import S3Server

# Only S3 and the parts that it needs, without telemetry.
MINI_OPTIONS: Final = (
    f"-bucket={S3Server('').bucket}",
    "-admin.ui=false",
    "-webdav=false",
    "-s3.iam=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
    # Each bucket has its own volumes; by default a small disk allows only a few.
    "-volume.max=1000",
)
_PORTS: Final = [
    f"{part}.{kind}"
    for part in ("s3", "master", "volume", "filer", "admin")
    for kind in ("port", "port.grpc")
]


class S3Process(ServerProcess):
    """A `weed mini`: its parts use ten ports of 127.0.0.1."""

    name = "weed"

    def __init__(self, folder: Path) -> None:
        super().__init__(WEED.program(), folder)
        self._ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self.server = S3Server(f"http://127.0.0.1:{self._ports['s3.port']}")

    def arguments(self) -> list[str]:
        return [
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

    def is_ready(self) -> bool:
        return not self.server.find_error()

    def kill(self) -> None:
        super().kill()
        # A killed process leaves its sockets, whose names contain the port.
        for socket in Path("/tmp").glob("seaweedfs-*.sock"):  # noqa: S108
            if any(f"-{port}." in socket.name for port in self._ports.values()):
                socket.unlink()
