"""TLS: what is wrong with a certificate is in the error of the start.

The PostgreSQL of the tests has no TLS, so a proxy adds it.
"""

import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from select import select
from typing import Final

import pytest
import trustme

from adapters.databases.postgres import inspect_database
from application.ports.errors import ConfigurationError
from tests.support.builders import an_id, an_identity
from tests.support.repositories import open_postgres_repositories
from tests.support.tcp_server import open_tcp_server

pytestmark = pytest.mark.slow

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
def port(authority: trustme.CA, postgres_database: str) -> Iterator[int]:
    """The port of a proxy with a certificate for 127.0.0.1, which accepts nothing but TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    host, _, server_port = postgres_database.rpartition("/")[0].rpartition("@")[2].partition(":")

    def serve(connection: socket.socket) -> None:
        if connection.recv(8, socket.MSG_WAITALL) != _TLS_REQUEST:
            return
        connection.sendall(b"S")
        with (
            context.wrap_socket(connection, server_side=True) as client,
            socket.create_connection((host, int(server_port))) as server,
        ):
            while True:
                for source in select([client, server], [], [])[0]:
                    # A TLS record is shorter, so no part of one is left unread.
                    block = source.recv(65_536)
                    if not block:
                        return
                    (server if source is client else client).sendall(block)

    with open_tcp_server(serve) as own_port:
        yield own_port


def url_of(postgres_database: str, port: int, options: str, host: str = "127.0.0.1") -> str:
    name = postgres_database.rpartition("/")[2]
    return f"postgresql://postgres@{host}:{port}/{name}?{options}"


async def test_a_connection_with_a_valid_certificate_is_accepted(
    postgres_database: str, port: int, folder: Path
) -> None:
    url = url_of(postgres_database, port, f"{VERIFY}&sslrootcert={folder}/ca.pem")
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
