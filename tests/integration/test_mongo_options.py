"""What the operator writes behind the ? counts where it is safe, and is told of where it is not."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest

from adapters.mongo import open_mongo_records
from application.ports.repositories import Repositories
from domain.identities.username import Username
from domain.media.page import Cursor, ItemFilter
from tests.integration.mongo_commands import Command, watched
from tests.support.builders import NOW, a_phone, a_phone_record, an_id, an_identity, an_item
from tests.support.fakes.seal import FakeSeal

UNSAFE = ["w=1", "journal=false", "readPreference=secondaryPreferred", "readConcernLevel=local"]
WRITES = {"insert", "update", "delete"}


def with_options(url: str, *options: str) -> str:
    """The address with these options as well."""
    return "&".join([url if "?" in url else f"{url}?", *options])


async def sent_by(url: str) -> Sequence[Command]:
    """What is sent when everything is used."""
    async with watched(url) as (records, commands):
        await use(records)
    return commands.sent


async def use(records: Repositories) -> None:
    await records.phone_verifications.replace(a_phone(), a_phone_record(), 0)
    loaded = await records.phone_verifications.load(a_phone())
    await records.phone_verifications.replace(a_phone(), loaded.value, loaded.version)
    await records.phone_verifications.delete_expired(NOW + timedelta(days=90), 10)
    await records.identities.add(an_identity())
    await records.identities.replace(an_identity(), 1)
    await records.identities.load(an_id())
    await records.identities.find_by_username(Username("Zoë"))
    await records.deleted_identities.find_deleted([an_id()])
    await records.deleted_identities.list_unpurged(10)
    await records.deleted_identities.list_with_username(NOW, 10)
    await records.media_items.add(an_item())
    await records.media_items.load(an_id())
    await records.media_items.find_by_storage_key("a key")
    await records.media_items.delete(an_id(), 1)
    await records.media_pages.list_page(ItemFilter(), 0, 10)
    await records.media_pages.list_after(ItemFilter(), Cursor(NOW, an_id()), 10)
    await records.media_pages.count(ItemFilter())
    await records.media_cleanup.list_owned_by(an_id(), 10)
    await records.media_cleanup.list_expired_uploads(NOW, 10)
    await records.media_cleanup.list_deleting(NOW, 10)
    await records.health.check()


@pytest.mark.parametrize("options", [[], UNSAFE])
async def test_every_write_is_on_the_disks_of_a_majority(
    mongo_database: str, options: list[str]
) -> None:
    sent = await sent_by(with_options(mongo_database, *options))

    writes = [command for command in sent if WRITES & command.keys()]
    assert len(writes) == 8
    assert all(command["writeConcern"] == {"w": "majority", "j": True} for command in writes)


@pytest.mark.parametrize("options", [[], UNSAFE])
async def test_every_read_is_the_primarys(mongo_database: str, options: list[str]) -> None:
    sent = await sent_by(with_options(mongo_database, *options))

    # A direct connection says primaryPreferred by itself, since there is one server only.
    modes = {command.get("$readPreference", {}).get("mode", "primary") for command in sent}
    assert modes <= {"primary", "primaryPreferred"}


async def test_what_decides_is_read_as_a_swap_meets_it_and_all_else_is_durable(
    mongo_database: str,
) -> None:
    levels = {
        str([*command.get("filter", ())]): command["readConcern"]["level"]
        for command in await sent_by(mongo_database)
        if "find" in command
    }

    assert levels == {
        "['_id']": "local",
        "['username_key']": "local",
        "['_id', 'deleted']": "local",
        "['key']": "local",
        "['lapses']": "majority",
        "['swept', 'deleted']": "majority",
        "['deleted', 'username_key']": "majority",
        "['shown']": "majority",
        "['shown', '$or']": "majority",
        "['owner', 'doomed']": "majority",
        "['leased']": "majority",
        "['doomed']": "majority",
    }


@pytest.mark.parametrize(
    ("options", "longest"), [([], 5000), (["timeoutMS=3000"], 3000), (["timeoutMS=0"], 5000)]
)
async def test_the_server_is_told_how_long_a_call_may_take(
    mongo_database: str, options: list[str], longest: int
) -> None:
    sent = await sent_by(with_options(mongo_database, *options))

    limits = [command["maxTimeMS"] for command in sent]
    assert longest - 1500 < max(limits) <= longest


@pytest.mark.parametrize(
    ("option", "used"),
    [
        ("w=1", "majority"),
        ("journal=false", "true"),
        ("readPreference=secondaryPreferred", "primary"),
        ("readConcernLevel=local", "majority"),
        ("socketTimeoutMS=1000", "timeoutMS"),
        ("serverSelectionTimeoutMS=1000", "timeoutMS"),
        ("w=majority", None),
        ("retryWrites=false", None),
        ("timeoutMS=3000", None),
        ("maxPoolSize=5", None),
    ],
)
async def test_an_option_that_is_not_used_is_told_of(
    mongo_database: str, caplog: pytest.LogCaptureFixture, option: str, used: str | None
) -> None:
    caplog.set_level(logging.INFO, logger="adapters.mongo")

    async with open_mongo_records(with_options(mongo_database, option), FakeSeal()):
        pass

    name = option.partition("=")[0].lower()
    expected = {"event": "mongo_option_not_used", "option": name, "used": used}
    assert [record.msg for record in caplog.records] == ([expected] if used else [])
