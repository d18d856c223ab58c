"""Media files on S3 for tests, below a prefix of their own."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from adapters.media.s3 import S3Files, S3Timeouts, open_s3_files
from application.ports.system import Clock
from tests.support.fakes.clock import MovableClock
from tests.support.servers.s3 import S3Server

KEY = f"{1:032x}.jpg"
JPEG = "image/jpeg"
CACHE_CONTROL = "public, max-age=60, immutable"


@dataclass
class S3Setup:
    """How a test opens media files."""

    server: S3Server
    prefix: str = field(default_factory=lambda: uuid4().hex)
    clock: Clock = field(default_factory=lambda: MovableClock(datetime.now(UTC)))
    timeouts: S3Timeouts = field(default_factory=S3Timeouts)

    def open_files(self) -> AbstractAsyncContextManager[S3Files]:
        return open_s3_files(
            self.server.bucket,
            self.prefix,
            endpoint=self.server.endpoint,
            region=self.server.region,
            access_key=self.server.access_key,
            secret_key=self.server.secret_key,
            cache_control=CACHE_CONTROL,
            clock=self.clock,
            timeouts=self.timeouts,
        )
