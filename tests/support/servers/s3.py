"""An S3 server for tests: its bucket without the service, and SeaweedFS as a process."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.support.servers.packages import find_program
from tests.support.servers.process import RunningServer, ServerProcess, free_ports

_PARTS: Final = ("s3", "master", "volume", "filer", "admin")


@dataclass(frozen=True)
class S3Server(RunningServer):
    """The endpoint, a bucket, and keys that have all permissions."""

    prefix: ClassVar = "DIALTONE_TEST_S3_"
    endpoint: str
    access_key: str = "dialtone-tests"
    secret_key: str = "dialtone-tests-secret"
    region: str = "us-east-1"
    bucket: str = "dialtone-tests"

    def environ(self) -> dict[str, str]:
        """Return the environment of a service that stores its media on this server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "DIALTONE_S3_ENDPOINT": self.endpoint,
        }

    @property
    @cache  # noqa: B019 -- there are few servers
    def client(self) -> Any:
        """A synchronous client of botocore."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                proxies={},
            ),
        )

    def find_error(self) -> str:
        """Store, load and delete a file, in a new bucket if it does not exist."""
        key = {"Bucket": self.bucket, "Key": "health-check"}
        try:
            with suppress(ClientError):  # it exists already
                self.client.create_bucket(Bucket=self.bucket)
            self.client.put_object(**key, Body=b"content")
            self.client.get_object(**key)["Body"].read()
            self.client.delete_object(**key)
        except (BotoCoreError, ClientError) as error:
            return str(error)
        return ""


class S3Process(ServerProcess):
    """SeaweedFS: an S3 server with its own disk. Its parts use ten ports."""

    name = "weed"
    image = "chrislusf/seaweedfs:4.48"
    image_variable = "DIALTONE_TEST_S3_IMAGE"
    server_type = S3Server
    server: S3Server

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        names = [f"{part}.{kind}" for part in _PARTS for kind in ("port", "port.grpc")]
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.port = self._ports["s3.port"]
        self.server = S3Server(f"http://127.0.0.1:{self.port}")
        # Without keys it would accept all requests, and no test could use a wrong key.
        self.variables = self.server.environ()

    def command(self) -> list[str]:
        return [str(find_program(self.name)), "-logtostderr=true", *self.arguments()]

    def arguments(self) -> list[str]:
        return [
            "mini",
            f"-dir={self.folder}",
            "-ip=127.0.0.1",
            f"-ip.bind={self.bind_ip}",
            f"-s3.localSocket={self.folder}/s3.sock",
            f"-filer.localSocket={self.folder}/filer.sock",
            # After a resume its parts may need five seconds to find each other.
            "-master.resumeState=false",
            # Only S3 and the parts that it needs, without telemetry.
            "-admin.ui=false",
            "-webdav=false",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            # Each bucket has its own volumes; by default a small disk allows only a few.
            "-volume.max=1000",
            *(f"-{name}={port}" for name, port in self._ports.items()),
        ]

    def kill(self) -> None:
        super().kill()
        # A killed process leaves its sockets, whose names contain the port.
        for socket in Path("/tmp").glob("seaweedfs-*.sock"):  # noqa: S108
            if any(f"-{port}." in socket.name for port in self._ports.values()):
                socket.unlink()
