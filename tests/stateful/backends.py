"""The storage backends that the state machines run on, and how they run."""

import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from adapters.disk import open_disk_files
from adapters.disk.folder import UNFINISHED
from adapters.s3 import open_s3_files
from adapters.sqlite import open_sqlite_repositories
from application.ports.media_files import MediaFiles
from application.ports.repositories import Repositories
from tests.contract.conftest import in_memory, in_sqlite
from tests.contract.mongo_database import in_mongo
from tests.stateful.http_driver import OpenRepositories
from tests.support.examples import examples
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.servers.s3_server import S3Bucket, S3Server

Backend = Callable[[pytest.FixtureRequest], OpenRepositories]

BACKENDS: Final[tuple[Backend, ...]] = (in_memory, in_sqlite, in_mongo)


def on_each_backend(memory: int, sqlite: int, mongo: int) -> pytest.MarkDecorator:
    """Run a test with `backend` and `example_count` on each, with so many examples."""
    return pytest.mark.parametrize(
        ("backend", "example_count"),
        [*zip(BACKENDS, (memory, sqlite, mongo), strict=True)],
        ids=[backend.__name__ for backend in BACKENDS],
    )


def run_machine(create: Callable[[], RuleBasedStateMachine], example_count: int) -> None:
    """Run a state machine with examples of 40 steps."""
    run_state_machine_as_test(
        create,  # type: ignore[arg-type]  # any factory works, the stubs want a class
        settings=settings(
            max_examples=examples(example_count),
            stateful_step_count=40,
            # Shrinking a failure takes minutes. Add Phase.shrink to find the shortest one.
            phases=[Phase.generate],
        ),
    )


@dataclass(frozen=True, slots=True)
class Storage:
    """An empty database and an empty media store; `stored_keys` lists the keys of its files."""

    repositories: Repositories
    files: MediaFiles
    stored_keys: Callable[[], set[str]]


OpenStorage = Callable[[], AbstractAsyncContextManager[Storage]]
"""Opens an empty storage. It can be called again and again."""
StorageBackend = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[OpenStorage]]


@asynccontextmanager
async def storage_in_memory(request: pytest.FixtureRequest) -> AsyncIterator[OpenStorage]:
    """Open fakes."""

    @asynccontextmanager
    async def open_storage() -> AsyncIterator[Storage]:
        files = InMemoryFiles()
        yield Storage(InMemoryDatabase().repositories(), files, lambda: set(files.contents))

    yield open_storage


@asynccontextmanager
async def embedded_storage(request: pytest.FixtureRequest) -> AsyncIterator[OpenStorage]:
    """Open SQLite and a folder."""
    tmp_path: Path = request.getfixturevalue("tmp_path")
    numbers = itertools.count()

    @asynccontextmanager
    async def open_storage() -> AsyncIterator[Storage]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        media = folder / "media"

        def stored_keys() -> set[str]:
            return {file.name for file in media.iterdir()} - {UNFINISHED}

        async with (
            open_sqlite_repositories(folder / "records.db", FakePhoneEncryption()) as repositories,
            open_disk_files(media, "https://files.example", MovableClock()) as files,
        ):
            yield Storage(repositories, files, stored_keys)

    yield open_storage


@asynccontextmanager
async def storage_on_servers(request: pytest.FixtureRequest) -> AsyncIterator[OpenStorage]:
    """Open MongoDB and S3 once, and empty them for each storage."""
    server: S3Server = request.getfixturevalue("s3_server")
    bucket, prefix = S3Bucket(server), uuid.uuid4().hex

    def stored_keys() -> set[str]:
        return {key.removeprefix(f"{prefix}/") for key in bucket.keys(prefix)}

    @asynccontextmanager
    async def open_storage() -> AsyncIterator[Storage]:
        in_mongo(request)  # empties the database that is open below
        for key in stored_keys():
            bucket.client.delete_object(Bucket=server.bucket, Key=f"{prefix}/{key}")
        yield Storage(repositories, files, stored_keys)

    async with (
        in_mongo(request)() as repositories,
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
        yield open_storage
