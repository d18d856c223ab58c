"""Folders of S3 for tests, each a prefix of its own."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from adapters.s3 import S3Files, open_s3_files
from adapters.s3.folder import Access, Folder, open_folder
from adapters.s3.patience import PATIENCE, Patience
from application.ports.clock import Clock
from application.ports.media_files import MediaFiles
from tests.fakes.clock import MovableClock
from tests.servers.s3_server import S3Server

KEY, OTHER = f"{1:032x}.jpg", f"{2:032x}.png"
JPEG = "image/jpeg"
IMPATIENT = Patience(silence=0.5)


@dataclass
class S3Place:
    """Where files are kept, and by whom; `endpoint` may be a detour to the server."""

    server: S3Server
    endpoint: str = ""
    prefix: str = field(default_factory=lambda: uuid4().hex)
    clock: Clock = field(default_factory=lambda: MovableClock(datetime.now(UTC)))
    public_url: str | None = None
    patience: Patience = PATIENCE

    def __post_init__(self) -> None:
        self.endpoint = self.endpoint or self.server.endpoint

    def opened(self) -> AbstractAsyncContextManager[S3Files]:
        return open_s3_files(
            self.server.bucket,
            self.prefix,
            endpoint=self.endpoint,
            region=self.server.region,
            access_key=self.server.access_key,
            secret_key=self.server.secret_key,
            public_url=self.public_url,
            clock=self.clock,
            patience=self.patience,
        )

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Folder]:
        """The folder below the files."""
        server = self.server
        access = Access(self.endpoint, server.region, server.access_key, server.secret_key)
        async with open_folder(access, server.bucket, self.prefix, self.patience) as folder:
            yield folder


async def content_of(files: MediaFiles, key: str = KEY) -> bytes | None:
    """The whole file."""
    file = await files.open_file(key)
    return b"".join([chunk async for chunk in file.chunks]) if file else None
