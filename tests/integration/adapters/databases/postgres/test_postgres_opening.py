"""Opening a database: what its users may do, and what the server is."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.databases.postgres.database import open_pool
from adapters.databases.postgres.metadata import PostgresServersCheck
from adapters.databases.postgres.opening import connect
from adapters.databases.postgres.url import parse_url
from application.ports.errors import StorageUnavailable
from tests.integration.adapters.databases.openings import PASSWORD, POSTGRES_OPENING
from tests.support.servers.postgres import PostgresProcess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresProcess]:
    """A server with users: `writer` owns most databases, `reader` may read them."""
    folder: Path = tmp_path_factory.mktemp("protected")
    with PostgresProcess(folder / "postgres") as process:
        process.server.execute(
            f"CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_all_data",
            f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'",
            "CREATE DATABASE dialtone OWNER writer",
            "CREATE DATABASE new OWNER writer",
            "CREATE DATABASE secondary OWNER writer",
            "ALTER DATABASE secondary SET default_transaction_read_only = on",
            "CREATE DATABASE latin OWNER writer ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
        )
        process.allow(
            "host all postgres 127.0.0.1/32 trust",
            "host all writer,reader 127.0.0.1/32 scram-sha-256",
            "hostssl all stranger 127.0.0.1/32 scram-sha-256",
        )
        yield process


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes no connection and says nothing, as behind a firewall."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):  # more than it keeps
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def test_a_first_server_that_swallows_packets_is_named_and_costs_one_connection(
    protected: PostgresProcess, silent: str
) -> None:
    url = f"postgresql://postgres@{silent},{protected.address}/postgres"
    began_at = time.monotonic()
    for _ in range(3):
        async with connect(parse_url(f"{url}?connect_timeout=2")):
            pass
    assert time.monotonic() - began_at < 2 * 2
    async with open_pool(parse_url(url)) as database:
        with pytest.raises(StorageUnavailable, match=f"no response of {silent}$"):
            await PostgresServersCheck(database).check()
    error = await POSTGRES_OPENING.error(f"postgresql://x:{PASSWORD}@{silent}/name")
    assert "has no server that responds" in error


@pytest.mark.parametrize(
    ("user", "name", "reason"),
    [
        (f"writer:{PASSWORD}x", "dialtone", "rejects the user or the password"),
        (f"nobody:{PASSWORD}", "dialtone", "does not let this user connect from this host"),
        (f"stranger:{PASSWORD}", "dialtone", "sslmode=require"),
        (f"writer:{PASSWORD}", "no_such_name", "does not exist: create it"),
        (f"writer:{PASSWORD}", "dialtone?sslmode=require", "does not use TLS"),
        (f"reader:{PASSWORD}", "new", "no schema in which this user may create tables"),
        (f"reader:{PASSWORD}", "dialtone", "does not let this user read and write"),
        (f"writer:{PASSWORD}", "latin", "its encoding is not UTF8"),
        (f"writer:{PASSWORD}", "secondary", "is read-only: name the primary"),
    ],
)
async def test_a_database_that_the_service_cannot_use_is_an_error(
    protected: PostgresProcess, user: str, name: str, reason: str
) -> None:
    def url_of(user: str) -> str:
        return f"postgresql://{user}@{protected.address}/{name}"

    if user.startswith("reader") and name == "dialtone":
        await POSTGRES_OPENING.create(url_of(f"writer:{PASSWORD}"))

    assert reason in await POSTGRES_OPENING.error(url_of(user))
