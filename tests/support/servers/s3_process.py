"""SeaweedFS as a process: an S3 server with its own disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.servers.packages import WEED
from tests.support.servers.ports import free_pair, free_ports
from tests.support.servers.process import ServerProcess
from tests.support.servers.s3_server import BUCKET, S3Server
from tests.support.servers.s3_trial import S3Trial

# Everything of it but S3 and what S3 stands on is left out, and it reports to nobody.
LEAN: Final = (
    f"-bucket={BUCKET}",
    "-admin.ui=false",
    "-webdav=false",
    "-s3.iam=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
    # Each bucket has volumes of its own; by default a small disk has room for few of them.
    "-volume.max=1000",
)
_PARTS: Final = ("s3", "master", "volume", "filer", "admin")
_PORTS: Final = [f"{part}.port{kind}" for part in _PARTS for kind in ("", ".grpc")]
_USUAL_DISTANCE: Final = 10_000
"""From each port to that for gRPC, unless another is named."""


class S3Process(ServerProcess):
    """A `weed mini`: its parts speak to each other over ports of 127.0.0.1, ten in all."""

    name = "weed"

    def __init__(self, folder: Path) -> None:
        super().__init__(WEED.program(), folder)
        self._ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        # One part of it looks for the other's at the usual distance, whatever is named: it shall
        # not knock at a stranger's.
        self._ports["admin.port"], self._ports["admin.port.grpc"] = free_pair(_USUAL_DISTANCE)
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
            # Resuming, it may be five seconds until its parts know each other again.
            "-master.resumeState=false",
            *LEAN,
            *(f"-{name}={port}" for name, port in self._ports.items()),
        ]

    def environ(self) -> Mapping[str, str]:
        # Without keys it would be open to everybody, and no wrong one could be tried.
        return {**super().environ(), **self.server.environ()}

    def wait_until_it_serves(self) -> None:
        self.wait_until(S3Trial(self.server).succeeds)

    def kill(self) -> None:
        super().kill()
        # Killed, it leaves them; the name is fixed, the port tells whose they are.
        for part in _PARTS:
            port = self._ports[f"{part}.port.grpc"]
            Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108
