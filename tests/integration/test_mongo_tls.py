"""A MongoDB server with TLS: each problem with a certificate is named."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from application.ports.errors import ConfigurationError, StorageUnavailable
from tests.integration.mongo_support import StandaloneMongo
from tests.support.certificates import CertificateAuthority
from tests.support.repositories import open_mongo_repositories
from tests.support.servers.http_server import TcpProxy
from tests.support.tcp_server import open_tcp_server

WITHOUT_CLIENT_CERTIFICATES: Final = "--tlsAllowConnectionsWithoutCertificates"
UNTRUSTED: Final = "nobody that this machine trusts has issued the server's certificate"
OTHER_HOST: Final = "the server's certificate is for another host name"
CLIENT_CERTIFICATE: Final = "without a valid client certificate"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("other_authority"))


def tls_mongo(
    folder: Path,
    authority: CertificateAuthority,
    certificate: Path,
    *arguments: str,
    port: int | None = None,
) -> StandaloneMongo:
    tls = [
        "--tlsMode=requireTLS",
        f"--tlsCertificateKeyFile={certificate}",
        f"--tlsCAFile={authority.file}",
        *arguments,
    ]
    return StandaloneMongo(folder, *tls, port=port)


@pytest.fixture(scope="module")
def mongo(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandaloneMongo]:
    folder = tmp_path_factory.mktemp("tls_mongo")
    server = tls_mongo(folder, authority, authority.issue("server"), WITHOUT_CLIENT_CERTIFICATES)
    with server:
        yield server


@pytest.fixture(scope="module")
def strict_mongo(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandaloneMongo]:
    folder = tmp_path_factory.mktemp("strict_mongo")
    with tls_mongo(folder, authority, authority.issue("strict_server")) as server:
        yield server


def url_of(address: str, options: str, timeout: int = 700) -> str:
    return f"mongodb://{address}/dialtone?directConnection=true&timeoutMS={timeout}{options}"


async def opening_error(url: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        async with open_mongo_repositories(url):
            pytest.fail("it was opened")
    return str(raised.value)


async def test_valid_certificates_are_accepted(
    mongo: StandaloneMongo, strict_mongo: StandaloneMongo, authority: CertificateAuthority
) -> None:
    options = f"&tls=true&tlsCAFile={authority.file}"
    certificate = f"{options}&tlsCertificateKeyFile={authority.issue('client')}"
    for url in (
        url_of(mongo.address, options, 5000),
        url_of(strict_mongo.address, certificate, 5000),
    ):
        async with open_mongo_repositories(url) as repositories:
            await repositories.health.check()


async def test_an_unknown_authority_is_named(
    mongo: StandaloneMongo, other_authority: CertificateAuthority
) -> None:
    error = await opening_error(
        url_of(mongo.address, f"&tls=true&tlsCAFile={other_authority.file}")
    )

    assert error.startswith(f"{mongo.address}/dialtone cannot be reached, because {UNTRUSTED}")
    assert "tlsCAFile" in error


async def test_a_server_that_requires_tls_is_named(mongo: StandaloneMongo) -> None:
    error = await opening_error(url_of(mongo.address, ""))

    assert "as it does if it requires TLS: write tls=true" in error


async def test_a_server_without_tls_is_named(
    mongo_url: str, authority: CertificateAuthority
) -> None:
    options = f"&tls=true&tlsCAFile={authority.file}"

    error = await opening_error(url_of(urlsplit(mongo_url).netloc, options))

    assert "the server does not use TLS" in error


async def test_a_required_client_certificate_is_named(
    strict_mongo: StandaloneMongo,
    authority: CertificateAuthority,
    other_authority: CertificateAuthority,
) -> None:
    certificate = other_authority.issue("stranger")
    options = f"&tls=true&tlsCAFile={authority.file}&tlsCertificateKeyFile={certificate}"

    error = await opening_error(url_of(strict_mongo.address, options))

    assert CLIENT_CERTIFICATE in error
    assert "tlsCertificateKeyFile" in error


@contextmanager
def tls_server(certificate: Path) -> Iterator[str]:
    """Yield the address of a server that ends connections after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def complete_handshake(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with open_tcp_server(complete_handshake) as port:
        yield f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("host", "is_expired", "reason"),
    [
        ("127.0.0.1", True, "the server's certificate has expired"),
        ("127.0.0.9", False, OTHER_HOST),
    ],
)
async def test_a_wrong_certificate_is_named(
    authority: CertificateAuthority, host: str, is_expired: bool, reason: str
) -> None:
    # mongod does not start with an expired one; a running server keeps it when its time is over.
    certificate = authority.issue(f"wrong {is_expired}", host, is_expired=is_expired)
    with tls_server(certificate) as address:
        error = await opening_error(url_of(address, f"&tls=true&tlsCAFile={authority.file}"))

    assert f"{address}/dialtone cannot be reached, because {reason}" in error


async def test_a_certificate_that_becomes_invalid_is_named_while_the_service_runs(
    mongo: StandaloneMongo, authority: CertificateAuthority
) -> None:
    with TcpProxy(f"http://{mongo.address}") as proxy:
        address = proxy.url.removeprefix("http://")
        url = url_of(address, f"&tls=true&tlsCAFile={authority.file}", 2000)
        async with open_mongo_repositories(url) as repositories:
            with tls_server(authority.issue("moved", "127.0.0.9")) as moved:
                proxy.target = ("127.0.0.1", int(moved.rpartition(":")[2]))
                proxy.close_connections()
                with pytest.raises(StorageUnavailable, match=OTHER_HOST):
                    await repositories.identities.load("0" * 24)
                # At once: readiness does not wait as long as other calls do.
                with pytest.raises(StorageUnavailable, match=OTHER_HOST):
                    await repositories.health.check()


async def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"

    error = await opening_error(url_of("127.0.0.1", f"&tls=true&tlsCAFile={missing}"))

    assert f"the file {missing} of tlsCAFile cannot be read (No such file or directory)" in error


async def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "empty.pem"
    file.write_text("no certificate")

    error = await opening_error(url_of("127.0.0.1", f"&tls=true&tlsCertificateKeyFile={file}"))

    assert "a file of its TLS options is invalid" in error
