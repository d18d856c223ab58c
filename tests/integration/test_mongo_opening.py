import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from adapters.mongo import DatabaseNotUsable, open_mongo_records
from application.ports.errors import StorageUnavailable
from application.ports.versioned import Versioned
from tests.integration.mongo_alone import StandaloneMongo
from tests.support.builders import NOW, a_phone, an_id, an_identity, an_item
from tests.support.fakes.seal import FakeSeal
from tests.support.servers.ports import free_ports

PASSWORD = "s3cr3t-of-the-operator"


STARTS = """
import asyncio, sys
from adapters.mongo import open_mongo_records
from tests.support.builders import an_id, an_identity
from tests.support.fakes.seal import FakeSeal

async def main(url, number):
    async with open_mongo_records(url, FakeSeal()) as records:
        await records.identities.add(an_identity(id=an_id(number)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneMongo]:
    """A MongoDB that asks who is there: `writer` may write to `dialtone`, `reader` may read it."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    with StandaloneMongo(folder / "mongo", arguments=["--auth"]) as process:
        with MongoClient[dict[str, Any]](process.url) as client:
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        with MongoClient[dict[str, Any]](process.url, username="root", password=PASSWORD) as client:
            for name, role in (("writer", "readWrite"), ("reader", "read")):
                client["dialtone"].command("createUser", name, pwd=PASSWORD, roles=[role])
        yield process


async def refusal(url: str, seal: FakeSeal | None = None) -> str:
    """Why an address is refused: one sentence with a way out, and no password."""
    with pytest.raises(DatabaseNotUsable) as refused:
        async with open_mongo_records(url, seal or FakeSeal()):
            pytest.fail("it was opened")
    text = str(refused.value)
    assert re.search(r": .*\b(correct|start|write|name|grant|drop|close)\b", text)
    assert "\n" not in text
    assert "s3cr3t" not in text
    assert refused.value.__cause__ is None
    return text


def changed(url: str, change: dict[str, Any]) -> None:
    """Change the mark of a database."""
    with MongoClient[dict[str, Any]](url) as client:
        client.get_default_database()["meta"].update_one({"_id": "database"}, {"$set": change})


async def opened_once(url: str) -> None:
    """Leave a database of ours there."""
    async with open_mongo_records(url, FakeSeal()) as records:
        await records.identities.add(an_identity())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/dialtone",
        "mongodb://",
        f"mongodb://us/er:{PASSWORD}@127.0.0.1/dialtone",
        f"mongodb://user:pass/{PASSWORD}@127.0.0.1/dialtone",
        f"mongodb://user:1?{PASSWORD}=1@127.0.0.1/dialtone",
        f"mongodb://user:p@ss{PASSWORD}@127.0.0.1/dialtone",
    ],
)
async def test_what_is_no_address_is_refused(url: str) -> None:
    assert "not of the form mongodb://host/dialtone" in await refusal(url)


@pytest.mark.parametrize("end", ["", "/", "/?timeoutMS=100", "?timeoutMS=100"])
async def test_an_address_without_a_database_is_refused(end: str) -> None:
    assert "names no database" in await refusal(f"mongodb://user:{PASSWORD}@localhost{end}")


@pytest.mark.parametrize(
    "address",
    [
        f"mongodb://user:{PASSWORD}@localhost:port/dialtone",
        f"mongodb://user:{PASSWORD}%@localhost/dialtone",
        f"mongodb://user:{PASSWORD}@localhost/dial$tone",
        "mongodb://localhost/dialtone?timeOutMs=soon",
        "mongodb://localhost/dialtone?noSuchOption=1",
        "mongodb://localhost/dialtone?tlsCAFile=/no/such/file&tls=true",
        "mongodb://a,b/dialtone?directConnection=true",
    ],
)
async def test_an_address_that_the_driver_does_not_take_is_refused(address: str) -> None:
    assert "the driver does not take" in await refusal(address)


async def test_an_address_where_nobody_answers_is_refused() -> None:
    [port] = free_ports(1)
    url = f"mongodb://user:{PASSWORD}@127.0.0.1:{port}/dialtone?timeoutMS=50"

    text = await refusal(url)

    assert text.startswith(f"127.0.0.1:{port}/dialtone has no server that answers")


async def test_a_name_that_nobody_knows_is_refused() -> None:
    text = await refusal(f"mongodb+srv://user:{PASSWORD}@no-such-host.invalid/dialtone")

    assert text.startswith("no-such-host.invalid/dialtone cannot be found")


async def test_a_wrong_password_is_refused(guarded: StandaloneMongo) -> None:
    wrong = guarded.database("dialtone", user=f"writer:{PASSWORD}x@")

    assert "refuses the user or the password" in await refusal(wrong)


@pytest.mark.parametrize("user", ["", f"reader:{PASSWORD}@"])
async def test_a_user_who_may_not_write_is_refused(guarded: StandaloneMongo, user: str) -> None:
    assert "does not let this user read and write" in await refusal(
        guarded.database("dialtone", user=user)
    )


async def test_nor_where_somebody_else_has_made_the_database(
    guarded: StandaloneMongo,
) -> None:
    await opened_once(guarded.database("dialtone", user=f"writer:{PASSWORD}@"))

    assert "does not let this user read and write" in await refusal(
        guarded.database("dialtone", user=f"reader:{PASSWORD}@")
    )


async def test_a_user_who_may_read_and_write_is_enough(guarded: StandaloneMongo) -> None:
    await opened_once(guarded.database("dialtone", user=f"writer:{PASSWORD}@"))


async def test_a_standalone_serves_as_well(guarded: StandaloneMongo) -> None:
    url = guarded.database("alone", "?authSource=admin", user=f"root:{PASSWORD}@")

    async with open_mongo_records(url, FakeSeal()) as records:
        await records.health.check()
        assert await records.identities.add(an_identity())
        won = await asyncio.gather(
            *(records.identities.replace(an_identity(), 1) for _ in range(20))
        )
        await records.media_items.add(an_item().mark_for_deletion(NOW))

        assert won.count(True) == 1
        assert await records.identities.load(an_id()) == Versioned(an_identity(), 2)
        assert len(await records.media_cleanup.list_deleting(NOW, 10)) == 1


async def test_a_database_of_other_keys_is_refused_and_opens_with_its_own(
    mongo_database: str,
) -> None:
    await opened_once(mongo_database)

    assert "other keys" in await refusal(mongo_database, FakeSeal(b"another key"))
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        assert await records.identities.load(an_id()) == Versioned(an_identity(), 1)


async def test_the_database_of_a_newer_version_is_refused(mongo_database: str) -> None:
    await opened_once(mongo_database)
    changed(mongo_database, {"schema_version": 1000})

    assert "newer version of Dialtone (schema 1000" in await refusal(mongo_database)


@pytest.mark.parametrize(
    ("collection", "theirs"), [("identities", "1"), ("meta", "1"), ("meta", "database")]
)
async def test_the_database_of_another_program_is_refused_and_left_alone(
    mongo_database: str, collection: str, theirs: str
) -> None:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        client.get_default_database()[collection].insert_one({"_id": theirs})

        assert "another program" in await refusal(mongo_database)
        assert client.get_default_database().list_collection_names() == [collection]


async def test_collections_that_are_not_in_our_way_are_nobodys_business(
    mongo_database: str,
) -> None:
    with MongoClient[dict[str, Any]](mongo_database) as client:
        client.get_default_database()["somebodys"].insert_one({})

    await opened_once(mongo_database)


async def test_instances_that_start_together_make_one_database(mongo_database: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", STARTS, mongo_database, number)
        for number in "012"
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]

    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        assert all([await records.identities.load(an_id(number)) for number in range(3)])


async def test_a_second_database_is_refused_while_one_is_open(mongo_database: str) -> None:
    another = mongo_database.replace("/test_", "/other_test_")

    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        assert "close that first" in await refusal(another)
        assert await records.identities.add(an_identity())

    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        assert await records.identities.load(an_id()) is not None


async def test_another_one_can_be_opened_after_the_first_was_closed(
    mongo_database: str, mongo_url: str
) -> None:
    await opened_once(mongo_database)
    another = mongo_database.replace("/test_", "/other_test_")
    try:
        async with open_mongo_records(another, FakeSeal()) as records:
            assert await records.identities.load(an_id()) is None
            assert await records.identities.add(an_identity(phone=a_phone(2)))
            assert list(await records.deleted_identities.list_unpurged(10)) == []
    finally:
        with MongoClient[dict[str, Any]](another) as client:
            client.drop_database(client.get_default_database())


async def test_the_same_database_stays_open_until_the_last_who_opened_it_leaves(
    mongo_database: str,
) -> None:
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        async with open_mongo_records(mongo_database, FakeSeal()) as elsewhere:
            await elsewhere.media_items.add(an_item().mark_for_deletion(NOW))

        assert len(await records.media_cleanup.list_deleting(NOW, 10)) == 1


async def test_a_refused_opening_leaves_the_way_free(mongo_database: str) -> None:
    [port] = free_ports(1)
    await refusal(f"mongodb://127.0.0.1:{port}/dialtone?timeoutMS=50")

    await opened_once(mongo_database)


async def test_who_gives_up_opening_leaves_the_way_free(mongo_database: str) -> None:
    opening = asyncio.create_task(opened_once("mongodb://127.0.0.1:1/dialtone"))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()

    await opened_once(mongo_database)


async def test_after_it_was_closed_nothing_is_answered(mongo_database: str) -> None:
    async with open_mongo_records(mongo_database, FakeSeal()) as records:
        pass

    for call in (
        records.identities.load(an_id()),
        records.identities.add(an_identity()),
        records.media_cleanup.list_deleting(NOW, 10),
        records.health.check(),
    ):
        with pytest.raises(StorageUnavailable, match="InvalidOperation"):
            await call
