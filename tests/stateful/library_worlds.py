"""The stores that the library is put over: fakes, SQLite and a disk, MongoDB and S3."""

import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from adapters.disk import open_disk_files
from adapters.disk.folder import UNFINISHED
from adapters.s3 import open_s3_files
from adapters.sqlite import open_sqlite_repositories
from application.ports.media_files import MediaFiles
from application.ports.repositories import Repositories
from tests.contract.mongo_database import in_mongo
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.s3_server import S3Bucket, S3Server


@dataclass(frozen=True, slots=True)
class Stores:
    """An empty database and an empty media store; `keys` says what stands in the latter."""

    records: Repositories
    files: MediaFiles
    keys: Callable[[], set[str]]


Fresh = Callable[[], AbstractAsyncContextManager[Stores]]
"""Opens empty stores, as often as it is called."""
World = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Fresh]]


@asynccontextmanager
async def in_memory(request: pytest.FixtureRequest) -> AsyncIterator[Fresh]:
    @asynccontextmanager
    async def fresh() -> AsyncIterator[Stores]:
        files = InMemoryFiles()
        yield Stores(InMemoryDatabase().records(), files, lambda: set(files.kept))

    yield fresh


@asynccontextmanager
async def embedded(request: pytest.FixtureRequest) -> AsyncIterator[Fresh]:
    place: Path = request.getfixturevalue("tmp_path")
    numbers = itertools.count()

    @asynccontextmanager
    async def fresh() -> AsyncIterator[Stores]:
        folder = place / str(next(numbers))
        folder.mkdir()
        media = folder / "media"

        def keys() -> set[str]:
            return {file.name for file in media.iterdir()} - {UNFINISHED}

        async with (
            open_sqlite_repositories(folder / "records.db", FakePhoneEncryption()) as records,
            open_disk_files(media, "https://files.example", MovableClock()) as files,
        ):
            yield Stores(records, files, keys)

    yield fresh


@asynccontextmanager
async def on_servers(request: pytest.FixtureRequest) -> AsyncIterator[Fresh]:
    server: S3Server = request.getfixturevalue("s3_server")
    bucket, prefix = S3Bucket(server), uuid.uuid4().hex

    def keys() -> set[str]:
        return {key.removeprefix(f"{prefix}/") for key in bucket.keys(prefix)}

    @asynccontextmanager
    async def fresh() -> AsyncIterator[Stores]:
        in_mongo(request)  # empties what is open below
        for key in keys():
            bucket.client.delete_object(Bucket=server.bucket, Key=f"{prefix}/{key}")
        yield Stores(records, files, keys)

    async with (
        in_mongo(request)() as records,
        open_s3_files(
            server.bucket,
            prefix,
            endpoint=server.endpoint,
            region=server.region,
            access_key=server.access_key,
            secret_key=server.secret_key,
            public_url="https://files.example",
            clock=MovableClock(),
        ) as files,
    ):
        yield fresh


WORLDS: Final[tuple[World, ...]] = (in_memory, embedded, on_servers)
