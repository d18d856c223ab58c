"""TLS: what is wrong with a certificate is in the error of the start.

The PostgreSQL of the tests has no TLS, so a proxy adds it.
"""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
import trustme

from adapters.postgres import inspect_database
from application.ports.errors import ConfigurationError
from tests.support.builders import an_id, an_identity
from tests.support.repositories import open_postgres_repositories

VERIFY: Final = "sslmode=verify-full"
# https://www.postgresql.org/docs/current/protocol-message-formats.html
_TLS_REQUEST: Final = struct.pack("!ii", 8, 80877103)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Path:
    """A folder with the certificates of two authorities."""
    folder = tmp_path_factory.mktemp("tls")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    return folder


@pytest.fixture
async def port(authority: trustme.CA, postgres_database: str) -> AsyncIterator[int]:
    """The port of a proxy with a certificate for 127.0.0.1, which accepts nothing but TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    host, _, server_port = postgres_database.rpartition("/")[0].rpartition("@")[2].partition(":")

    writers: list[asyncio.StreamWriter] = []
    connections: list[asyncio.Task[None]] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while block := await reader.read(65_536):
                writer.write(block)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if await reader.readexactly(8) == _TLS_REQUEST:
            writer.write(b"S")
            await writer.start_tls(context)
            from_server, to_server = await asyncio.open_connection(host, int(server_port))
            writers.append(to_server)
            await asyncio.gather(copy(reader, to_server), copy(from_server, writer))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1") as proxy:
        yield proxy.sockets[0].getsockname()[1]
    for writer in writers:
        writer.close()
    # Handshakes that the client ends are failures here, as they should be.
    await asyncio.gather(*connections, return_exceptions=True)
    for writer in writers:
        with suppress(OSError):
            await writer.wait_closed()


def url_of(postgres_database: str, port: int, options: str, host: str = "127.0.0.1") -> str:
    name = postgres_database.rpartition("/")[2]
    return f"postgresql://postgres@{host}:{port}/{name}?{options}"


@pytest.mark.parametrize("options", ["sslmode=require", f"{VERIFY}&sslrootcert={{folder}}/ca.pem"])
async def test_a_connection_with_a_valid_certificate_is_accepted(
    postgres_database: str, port: int, folder: Path, options: str
) -> None:
    url = url_of(postgres_database, port, options.format(folder=folder))

    async with open_postgres_repositories(url) as repositories:
        await repositories.identities.add(an_identity())
        assert await repositories.identities.load(an_id()) is not None


@pytest.mark.parametrize(
    ("host", "options", "reason"),
    [
        ("127.0.0.1", f"{VERIFY}&sslrootcert={{folder}}/other.pem", "with sslrootcert"),
        ("localhost", f"{VERIFY}&sslrootcert={{folder}}/ca.pem", "another host name"),
        ("127.0.0.1", f"{VERIFY}&sslrootcert={{folder}}/none.pem", "The file of sslrootcert"),
        ("127.0.0.1", "sslmode=require&sslcert={folder}/ca.pem", "sslkey"),
    ],
)
async def test_the_error_names_what_is_wrong(
    postgres_database: str, port: int, folder: Path, host: str, options: str, reason: str
) -> None:
    url = url_of(postgres_database, port, options.format(folder=folder), host)

    with pytest.raises(ConfigurationError, match=reason):
        await inspect_database(url, None)
