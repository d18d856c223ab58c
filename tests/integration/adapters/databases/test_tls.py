"""TLS to PostgreSQL: what is wrong with a certificate is in the error of the start.

The server of the tests has no TLS, so a proxy adds it. `test_mongo_tls` has that of MongoDB.
"""

import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Final
from urllib.parse import urlsplit

import pytest

from adapters.databases.postgres import inspect_database
from application.ports.errors import ConfigurationError
from tests.support.certificates import CertificateAuthority, encrypt_key
from tests.support.servers.http_server import open_tcp_server

pytestmark = pytest.mark.slow
VERIFY: Final = "sslmode=verify-full"
ENCRYPTED_KEY: Final = (
    "sslmode=require&sslcert={folder}/ca/server.pem&sslkey={folder}/ca/server.key.pem"
)
# https://www.postgresql.org/docs/current/protocol-message-formats.html
_TLS_REQUEST: Final = struct.pack("!ii", 8, 80877103)

Inspect = Callable[[str, str], Awaitable[object]]
"""Inspects the server behind a TLS proxy, by another host name and with options."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the certificates of two authorities, `ca` and `other`."""
    CertificateAuthority(tmp_path / "other")
    return tmp_path


@contextmanager
def tls_proxy(folder: Path, url: str) -> Iterator[int]:
    """Yield the port of a proxy with a certificate for 127.0.0.1, which accepts nothing but TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate = CertificateAuthority(folder / "ca").issue("server")
    encrypt_key(certificate, "secret")
    context.load_cert_chain(certificate)
    target = urlsplit(url)

    def serve(connection: socket.socket) -> None:
        if connection.recv(8, socket.MSG_WAITALL) != _TLS_REQUEST:
            return
        connection.sendall(b"S")
        with (
            context.wrap_socket(connection, server_side=True) as client,
            socket.create_connection((target.hostname, target.port)) as server,
        ):
            while True:
                for source in select([client, server], [], [])[0]:
                    # A TLS record is shorter, so no part of one is left unread.
                    block = source.recv(65_536)
                    if not block:
                        return
                    (server if source is client else client).sendall(block)

    with open_tcp_server(serve) as port:
        yield port


@pytest.fixture
def postgres(folder: Path, postgres_database: str) -> Iterator[Inspect]:
    name = urlsplit(postgres_database).path
    with tls_proxy(folder, postgres_database) as port:
        yield lambda host, options: inspect_database(
            f"postgresql://postgres@{host}:{port}{name}?{options}", None
        )


@pytest.mark.parametrize(
    ("host", "options", "reason"),
    [
        ("127.0.0.1", f"{VERIFY}&sslrootcert={{folder}}/ca/ca.pem", None),
        ("127.0.0.1", f"{VERIFY}&sslrootcert={{folder}}/other/ca.pem", "sslrootcert"),
        ("localhost", f"{VERIFY}&sslrootcert={{folder}}/ca/ca.pem", "another host"),
        ("127.0.0.1", f"{VERIFY}&sslrootcert=/none.pem", "The file of sslrootcert"),
        ("127.0.0.1", "sslmode=require&sslcert={folder}/ca/ca.pem", "sslkey"),
        ("127.0.0.1", f"{ENCRYPTED_KEY}&sslpassword=secret", None),
        ("127.0.0.1", ENCRYPTED_KEY, "encrypted, and sslpassword is missing or wrong"),
        ("127.0.0.1", f"{ENCRYPTED_KEY}&sslpassword=", "is missing or wrong"),
    ],
)
async def test_a_valid_certificate_is_accepted_and_what_is_wrong_with_another_is_named(
    postgres: Inspect, folder: Path, host: str, options: str, reason: str | None
) -> None:
    inspected = postgres(host, options.format(folder=folder))
    if reason is None:
        await inspected
    else:
        with pytest.raises(ConfigurationError, match=reason):
            await inspected
