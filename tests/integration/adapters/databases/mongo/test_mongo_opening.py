"""Opening a database: its URL, its metadata, and the health check."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pymongo import MongoClient

from adapters.databases.mongo import inspect_database, open_existing, open_to_copy
from application.ports.errors import ConfigurationError, StorageUnavailable
from domain.otp.delivery_report import DeliveryReport, ReportedStatus
from tests.integration.adapters.databases.mongo.mongo_support import Client, StandaloneMongo
from tests.support.builders import NOW, an_id, an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_mongo_repositories
from tests.support.servers.process import free_ports

PASSWORD = "s3cr3t-of-the-operator"


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


@pytest.fixture
def client(mongo_database: str) -> Iterator[Client]:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        yield client


async def opening_error(url: str, encryption: FakePhoneEncryption | None = None) -> str:
    """Return why opening fails: one line that says what to do, without the password."""
    encryption = encryption or FakePhoneEncryption()
    with pytest.raises(ConfigurationError) as inspected:
        await inspect_database(url, encryption.key_fingerprint())
    with pytest.raises(ConfigurationError) as raised:
        async with open_mongo_repositories(url, encryption):
            pytest.fail("it was opened")
    assert str(inspected.value) == str(raised.value)
    message = str(raised.value)
    assert re.search(r": .*\b(correct|start|write|name|grant|drop|close)\b", message)
    assert "\n" not in message
    assert "s3cr3t" not in message
    assert raised.value.__cause__ is None
    return message


async def create_database(url: str) -> None:
    async with open_mongo_repositories(url) as repositories:
        await repositories.identities.add(an_identity())


INVALID: Final = "not of the form mongodb://host/dialtone"
NO_DATABASE: Final = "names no database"
REJECTED: Final = "The driver rejects the URL"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/dialtone", INVALID),
        (f"mongodb://us/er:{PASSWORD}@127.0.0.1/dialtone", INVALID),
        (f"mongodb://user:pass/{PASSWORD}@127.0.0.1/dialtone", INVALID),
        (f"mongodb://user:p@ss{PASSWORD}@127.0.0.1/dialtone", INVALID),
        (f"mongodb://user:{PASSWORD}@localhost/?timeoutMS=100", NO_DATABASE),
        (f"mongodb://user:{PASSWORD}@localhost:port/dialtone", REJECTED),
        ("mongodb://localhost/dialtone?noSuchOption=1", REJECTED),
    ],
)
async def test_an_invalid_url_is_an_error(url: str, reason: str) -> None:
    assert reason in await opening_error(url)


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
    assert reason in await opening_error(protected.database_url("dialtone", user=user))


async def test_a_database_is_not_copied_by_a_user_who_may_only_read(
    protected: StandaloneMongo,
) -> None:
    fingerprint = FakePhoneEncryption().key_fingerprint()
    await create_database(protected.database_url("dialtone", user=f"writer:{PASSWORD}@"))
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


async def test_a_database_with_other_keys_is_an_error_and_stays_usable(
    mongo_database: str,
) -> None:
    await create_database(mongo_database)

    assert "other keys" in await opening_error(mongo_database, FakePhoneEncryption(b"another key"))
    async with open_mongo_repositories(mongo_database) as repositories:
        loaded = await repositories.identities.load(an_id())
        assert loaded is not None
        assert loaded.value == an_identity()


async def test_the_database_of_another_version_is_an_error(
    mongo_database: str, client: Client
) -> None:
    await create_database(mongo_database)
    metadata = client.get_default_database()["database_metadata"]
    for version in (0, 1000):
        metadata.update_one({"_id": "database"}, {"$set": {"schema_version": version}})
        expected = f"another version of Dialtone (schema {version};"
        assert expected in await opening_error(mongo_database)


@pytest.mark.parametrize(
    ("collection", "document_id"), [("identities", "1"), ("database_metadata", "database")]
)
async def test_the_database_of_another_program_is_an_error_and_unchanged(
    mongo_database: str, client: Client, collection: str, document_id: str
) -> None:
    database = client.get_default_database()
    database[collection].insert_one({"_id": document_id})

    assert "another program" in await opening_error(mongo_database)
    assert database.list_collection_names() == [collection]
    assert database[collection].find_one() == {"_id": document_id}


async def test_instances_that_start_together_create_one_database_beside_other_collections(
    mongo_database: str, client: Client
) -> None:
    client.get_default_database()["another"].insert_one({})

    async def start(number: int) -> None:
        async with open_mongo_repositories(mongo_database) as repositories:
            await repositories.identities.add(an_identity(id=an_id(number)))

    await asyncio.gather(*map(start, range(4)))

    async with open_mongo_repositories(mongo_database) as repositories:
        assert all([await repositories.identities.load(an_id(number)) for number in range(4)])


async def test_a_database_can_be_opened_after_a_failure_and_after_a_cancellation(
    emptied_mongo_database: str,
) -> None:
    [port] = free_ports(1)
    with pytest.raises(ConfigurationError):
        await create_database(f"mongodb://127.0.0.1:{port}/dialtone?timeoutMS=50")
    opening = asyncio.create_task(create_database("mongodb://127.0.0.1:1/dialtone"))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()

    await create_database(emptied_mongo_database)


async def test_the_health_check_writes_and_fails_for_an_emptied_database(
    mongo_database: str, client: Client
) -> None:
    metadata = client.get_default_database()["database_metadata"]
    async with open_mongo_repositories(mongo_database) as repositories:
        metadata.update_one({"_id": "database"}, {"$unset": {"health_checked_at": True}})
        await repositories.health.check()
        assert "health_checked_at" in (metadata.find_one({"_id": "database"}) or {})

        client.drop_database(client.get_default_database())
        with pytest.raises(StorageUnavailable, match="emptied"):
            await repositories.health.check()
