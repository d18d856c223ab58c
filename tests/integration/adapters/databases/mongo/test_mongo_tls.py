"""A MongoDB server with TLS: each problem with a certificate is named."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from application.ports.errors import ConfigurationError
from tests.integration.adapters.databases.mongo.mongo_support import StandaloneMongo
from tests.support.certificates import CertificateAuthority, subject_of
from tests.support.repositories import open_mongo_repositories

pytestmark = pytest.mark.slow

OTHER_HOST: Final = "the server's certificate is for another host name"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def mongo(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandaloneMongo]:
    with StandaloneMongo(
        tmp_path_factory.mktemp("tls_mongo"),
        "--tlsMode=requireTLS",
        f"--tlsCertificateKeyFile={authority.issue('server')}",
        f"--tlsCAFile={authority.file}",
        "--tlsAllowConnectionsWithoutCertificates",
    ) as server:
        yield server


def url_of(address: str, options: str) -> str:
    return f"mongodb://{address}/dialtone?directConnection=true&timeoutMS=5000{options}"


async def opening_error(url: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        async with open_mongo_repositories(url):
            pytest.fail("it was opened")
    return str(raised.value)


async def test_a_server_of_a_known_authority_is_accepted_and_what_is_wrong_with_others_is_named(
    mongo: StandaloneMongo,
    mongo_url: str,
    authority: CertificateAuthority,
    tmp_path: Path,
) -> None:
    options = f"&tls=true&tlsCAFile={authority.file}"
    unknown = f"&tls=true&tlsCAFile={CertificateAuthority(tmp_path).file}"
    elsewhere = mongo.address.replace("127.0.0.1", "localhost")
    cases = {
        (mongo.address, unknown): "this machine does not trust the server's certificate",
        (mongo.address, ""): "as it does if it requires TLS: write tls=true",
        (elsewhere, options): OTHER_HOST,
        (urlsplit(mongo_url).netloc, options): "the server does not use TLS",
    }

    # Together: the driver tries each again until its time is over.
    errors = await asyncio.gather(*(opening_error(url_of(*case)) for case in cases))

    for (address, _), words, error in zip(cases, cases.values(), errors, strict=True):
        assert error.startswith(f"{address}/dialtone "), error
        assert words in error
    async with open_mongo_repositories(url_of(mongo.address, options)) as repositories:
        await repositories.health.check()


async def test_a_certificate_is_a_user_if_the_server_knows_its_subject(
    mongo: StandaloneMongo, authority: CertificateAuthority
) -> None:
    options = f"&tls=true&tlsCAFile={authority.file}"
    user, other = authority.issue("user"), authority.issue("other")
    with MongoClient[dict[str, Any]](url_of(mongo.address, options)) as client:
        roles = [{"role": "readWrite", "db": "dialtone"}]
        client["$external"].command("createUser", subject_of(user), roles=roles)
    options = f"{options}&authMechanism=MONGODB-X509&tlsCertificateKeyFile="

    error = await opening_error(url_of(mongo.address, f"{options}{other}"))

    assert "has no user for the client certificate: create one in $external" in error
    async with open_mongo_repositories(url_of(mongo.address, f"{options}{user}")) as repositories:
        await repositories.health.check()
