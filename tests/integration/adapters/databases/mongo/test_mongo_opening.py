"""Opening a database: its URL, its metadata, and the health check."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pymongo import MongoClient

from adapters.databases.mongo import open_existing, open_to_copy
from application.ports.errors import ConfigurationError
from domain.otp.delivery_report import DeliveryReport, ReportedStatus
from tests.integration.adapters.databases.mongo.mongo_support import StandaloneMongo
from tests.integration.adapters.databases.openings import MONGO_OPENING, PASSWORD
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_mongo_repositories
from tests.support.servers.process import free_ports

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneMongo]:
    """A MongoDB with users: `writer` may write to `dialtone`, `reader` may read it."""
    folder: Path = tmp_path_factory.mktemp("protected")
    with StandaloneMongo(folder / "mongo", "--auth") as process:
        url = process.server.url
        with MongoClient[dict[str, Any]](url) as client:
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        with MongoClient[dict[str, Any]](url, username="root", password=PASSWORD) as client:
            for name, role in (("writer", "readWrite"), ("reader", "read")):
                client["dialtone"].command("createUser", name, pwd=PASSWORD, roles=[role])
        yield process


INVALID: Final = "not of the form mongodb://host/dialtone"
NO_DATABASE: Final = "names no database"
REJECTED: Final = "The driver rejects the URL"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/dialtone", INVALID),
        (f"mongodb://user:p@ss{PASSWORD}@127.0.0.1/dialtone", INVALID),
        (f"mongodb://user:{PASSWORD}@localhost/?timeoutMS=100", NO_DATABASE),
        (f"mongodb://user:{PASSWORD}@localhost:port/dialtone", REJECTED),
    ],
)
async def test_an_invalid_url_is_an_error(url: str, reason: str) -> None:
    assert reason in await MONGO_OPENING.error(url)


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (f"writer:{PASSWORD}x@", "rejects the user or the password"),
        ("", "does not let this user read and write"),
    ],
)
async def test_a_user_who_may_not_write_is_an_error(
    protected: StandaloneMongo, user: str, reason: str
) -> None:
    assert reason in await MONGO_OPENING.error(protected.database_url("dialtone", user=user))


async def test_a_database_is_not_copied_by_a_user_who_may_only_read(
    protected: StandaloneMongo,
) -> None:
    fingerprint = FakePhoneEncryption().key_fingerprint()
    await MONGO_OPENING.create(protected.database_url("dialtone", user=f"writer:{PASSWORD}@"))
    url = protected.database_url("dialtone", user=f"reader:{PASSWORD}@")
    async with open_existing(url, fingerprint) as source:
        assert source is not None
    with pytest.raises(ConfigurationError, match="does not let this user read and write"):
        async with open_to_copy(url, fingerprint):
            pytest.fail("it was opened")


async def test_a_standalone_server_and_a_user_who_may_read_and_write_are_enough(
    protected: StandaloneMongo,
) -> None:
    url = protected.database_url("dialtone", user=f"writer:{PASSWORD}@")
    async with open_mongo_repositories(url) as repositories:
        await repositories.health.check()
        await repositories.delivery_reports.add(DeliveryReport("1", ReportedStatus.SENT, NOW))
        assert await repositories.delivery_reports.delete_expired(NOW, 10) == 1


async def test_a_database_can_be_opened_after_a_failure_and_after_a_cancellation(
    emptied_mongo_database: str,
) -> None:
    [port] = free_ports(1)
    with pytest.raises(ConfigurationError):
        await MONGO_OPENING.create(f"mongodb://127.0.0.1:{port}/dialtone?timeoutMS=50")
    opening = asyncio.create_task(MONGO_OPENING.create("mongodb://127.0.0.1:1/dialtone"))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()

    await MONGO_OPENING.create(emptied_mongo_database)
