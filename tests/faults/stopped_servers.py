"""What the tests of servers that stop responding share."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from application.ports.errors import StorageError
from application.ports.repositories import Repositories
from tests.support.builders import an_id, an_identity
from tests.support.repositories import (
    OpenRepositories,
    open_mongo_repositories,
    open_postgres_repositories,
)
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A database server.

    Attributes:
        process: Its process.
        create_database: Creates a database, and returns its URL with a short timeout.
        open_repositories: Opens the repositories of a URL.
        no_server: Part of the error of a server that does not respond at the start.
    """

    process: MongoProcess | PostgresProcess
    create_database: Callable[[], Awaitable[str]]
    open_repositories: Callable[[str], AbstractAsyncContextManager[OpenRepositories]]
    no_server: str


@contextmanager
def run_mongo(folder: Path) -> Iterator[DatabaseServer]:
    """Run a MongoDB server."""
    with MongoProcess(folder / "mongo") as process:

        async def create_database() -> str:
            url = f"mongodb://{process.address}/stopped_{uuid.uuid4().hex}?directConnection=true"
            # To create one may take longer than the timeout.
            async with open_mongo_repositories(url):
                return f"{url}&timeoutMS=2500"

        yield DatabaseServer(
            process, create_database, open_mongo_repositories, "has no server that accepts writes"
        )


@contextmanager
def run_postgres(folder: Path) -> Iterator[DatabaseServer]:
    """Run a PostgreSQL server."""
    with PostgresProcess(folder / "postgres") as process:

        async def create_database() -> str:
            return create_postgres_database(process)

        yield DatabaseServer(
            process, create_database, open_postgres_repositories, "has no server that responds"
        )


def create_postgres_database(process: PostgresProcess) -> str:
    """Create a database, and return its URL with a short timeout and a small pool."""
    name = f"stopped_{uuid.uuid4().hex}"
    process.server.execute(f"CREATE DATABASE {name}")
    return f"{process.server.database_url(name)}?timeout=2.5&pool_size=4"


async def wait_until_healthy(repositories: Repositories) -> None:
    while True:
        try:
            return await repositories.health.check()
        except StorageError:
            # The driver does not report when it has found its server again.
            await asyncio.sleep(0.05)


async def load_version(repositories: Repositories) -> int:
    """Load the identity, and return its version."""
    loaded = await repositories.identities.load(an_id())
    assert loaded is not None
    assert loaded.value == an_identity()
    return loaded.version
