"""A MongoDB server with TLS: each problem with a certificate is named."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from application.ports.errors import ConfigurationError, StorageTimeout, StorageUnavailable
from tests.integration.adapters.databases.mongo.mongo_support import StandaloneMongo
from tests.support.certificates import CertificateAuthority, encrypt_key, subject_of
from tests.support.repositories import open_mongo_repositories
from tests.support.servers.http_server import TcpProxy, open_tcp_server

pytestmark = pytest.mark.slow

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


def url_of(address: str, options: str, timeout: int = 5000) -> str:
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
        url_of(mongo.address, options),
        url_of(strict_mongo.address, certificate),
    ):
        async with open_mongo_repositories(url) as repositories:
            await repositories.health.check()


@contextmanager
def tls_server(certificate: Path) -> Iterator[str]:
    """Yield the address of a server that ends connections after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def complete_handshake(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with open_tcp_server(complete_handshake) as port:
        yield f"127.0.0.1:{port}"


async def test_what_is_wrong_with_tls_is_named(
    mongo: StandaloneMongo,
    strict_mongo: StandaloneMongo,
    mongo_url: str,
    authority: CertificateAuthority,
    other_authority: CertificateAuthority,
) -> None:
    options = f"&tls=true&tlsCAFile={authority.file}"
    unknown = f"&tls=true&tlsCAFile={other_authority.file}"
    stranger = f"{options}&tlsCertificateKeyFile={other_authority.issue('stranger')}"
    # mongod does not start with an expired one; a running server keeps it when its time is over.
    expired = authority.issue("expired", is_expired=True)
    with (
        tls_server(expired) as expired_server,
        tls_server(authority.issue("other host", "127.0.0.9")) as other_host,
    ):
        cases = {
            (mongo.address, unknown): [f"cannot be reached, because {UNTRUSTED}", "tlsCAFile"],
            (mongo.address, ""): ["as it does if it requires TLS: write tls=true"],
            (urlsplit(mongo_url).netloc, options): ["the server does not use TLS"],
            (strict_mongo.address, stranger): [CLIENT_CERTIFICATE, "tlsCertificateKeyFile"],
            (expired_server, options): ["because the server's certificate has expired"],
            (other_host, options): [f"because {OTHER_HOST}"],
        }
        # Together: the driver tries each again until its time is over.
        errors = await asyncio.gather(*(opening_error(url_of(*case)) for case in cases))

    for (address, _), texts, error in zip(cases, cases.values(), errors, strict=True):
        assert error.startswith(f"{address}/dialtone "), error
        assert all(text in error for text in texts), error


async def test_a_certificate_that_becomes_invalid_is_named_while_the_service_runs(
    mongo: StandaloneMongo, authority: CertificateAuthority
) -> None:
    with TcpProxy(f"http://{mongo.address}") as proxy:
        address = proxy.url.removeprefix("http://")
        url = url_of(address, f"&tls=true&tlsCAFile={authority.file}")
        async with open_mongo_repositories(url) as repositories:
            with tls_server(authority.issue("moved", "127.0.0.9")) as moved:
                proxy.target = ("127.0.0.1", int(moved.rpartition(":")[2]))
                proxy.close_connections()
                # On a machine that stalls, the time of the call is over first.
                with pytest.raises((StorageUnavailable, StorageTimeout), match=OTHER_HOST):
                    await repositories.identities.load("0" * 24)
                # At once: readiness does not wait as long as other calls do.
                with pytest.raises((StorageUnavailable, StorageTimeout), match=OTHER_HOST):
                    await repositories.health.check()


async def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"

    error = await opening_error(url_of("127.0.0.1", f"&tls=true&tlsCAFile={missing}"))

    assert f"the file {missing} of tlsCAFile cannot be read (No such file or directory)" in error


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("tlsCAFile={folder}/text.pem", "text.pem of tlsCAFile is invalid"),
        ("tlsCertificateKeyFile={folder}/text.pem", "text.pem of tlsCertificateKeyFile is invalid"),
        ("tlsCertificateKeyFile={folder}/client.key.pem", "is encrypted: write its password"),
        (
            "tlsCertificateKeyFile={folder}/client.key.pem&tlsCertificateKeyFilePassword=no",
            "tlsCertificateKeyFilePassword is not the password",
        ),
        # The key has its password; the driver goes on, and rejects the rest.
        (
            "tlsCertificateKeyFile={folder}/client.key.pem"
            "&tlsCertificateKeyFilePassword=%C3%A4%20secret&tls=false",
            "tls=false contradicts the other tls options",
        ),
        ("authMechanism=MONGODB-X509", "needs a client certificate"),
        (
            "authMechanism=MONGODB-X509&authSource=admin&tlsCertificateKeyFile={folder}/client.pem",
            "has its users in $external: write authSource=$external",
        ),
        ("authMechanism=SCRAM-SHA-256", "needs a user"),
        ("authMechanism=SCRAM", "does not know its authMechanism"),
    ],
)
async def test_files_and_options_that_the_driver_cannot_use_are_named(
    tmp_path: Path, options: str, reason: str
) -> None:
    authority = CertificateAuthority(tmp_path)
    encrypt_key(authority.issue("client"), "\N{LATIN SMALL LETTER A WITH DIAERESIS} secret")
    (tmp_path / "text.pem").write_text("no certificate")

    error = await opening_error(url_of("127.0.0.1", f"&{options.format(folder=tmp_path)}"))

    assert error.startswith("127.0.0.1/dialtone cannot be used, because ")
    assert reason in error


async def test_a_certificate_is_a_user_if_the_server_knows_its_subject(
    mongo: StandaloneMongo, authority: CertificateAuthority
) -> None:
    options = f"&tls=true&tlsCAFile={authority.file}&authMechanism=MONGODB-X509"
    user, other = authority.issue("user"), authority.issue("other")
    with MongoClient[dict[str, Any]](
        url_of(mongo.address, options.partition("&auth")[0])
    ) as client:
        roles = [{"role": "readWrite", "db": "dialtone"}]
        client["$external"].command("createUser", subject_of(user), roles=roles)

    error = await opening_error(url_of(mongo.address, f"{options}&tlsCertificateKeyFile={other}"))

    assert "has no user for the client certificate: create one in $external" in error
    async with open_mongo_repositories(
        url_of(mongo.address, f"{options}&tlsCertificateKeyFile={user}")
    ) as repositories:
        await repositories.health.check()
