"""Media files on S3 for tests, below a prefix of their own."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from adapters.s3 import S3Files, Timeouts, open_s3_files
from application.ports.media_files import MediaFiles
from application.ports.system import Clock
from tests.support import stored_files
from tests.support.fakes.clock import MovableClock
from tests.support.servers.s3 import S3Server

KEY, OTHER_KEY = f"{1:032x}.jpg", f"{2:032x}.png"
JPEG = "image/jpeg"
CACHE_CONTROL = "public, max-age=60, immutable"
SHORT_READ_TIMEOUT = Timeouts(read=0.5)


@dataclass
class S3Setup:
    """How a test opens media files; `endpoint` may lead to the server through a relay."""

    server: S3Server
    endpoint: str = ""
    prefix: str = field(default_factory=lambda: uuid4().hex)
    clock: Clock = field(default_factory=lambda: MovableClock(datetime.now(UTC)))
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        self.endpoint = self.endpoint or self.server.endpoint

    def open_files(self) -> AbstractAsyncContextManager[S3Files]:
        return open_s3_files(
            self.server.bucket,
            self.prefix,
            endpoint=self.endpoint,
            region=self.server.region,
            access_key=self.server.access_key,
            secret_key=self.server.secret_key,
            cache_control=CACHE_CONTROL,
            clock=self.clock,
            timeouts=self.timeouts,
        )


async def read_file(files: MediaFiles, key: str = KEY) -> bytes | None:
    """Read the whole file."""
    return await stored_files.read_file(files, key)
