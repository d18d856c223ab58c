"""Options of the URL are used if they are safe, and otherwise ignored and logged."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest

from adapters.mongo import open_mongo_repositories
from application.ports.repositories import Repositories
from domain.identities.username import Username
from domain.media.page import ItemFilter
from domain.page import Cursor
from tests.integration.mongo_support import Command, open_logged
from tests.support.builders import NOW, a_phone, a_phone_verification, an_id, an_identity, an_item
from tests.support.fakes.phone_encryption import FakePhoneEncryption

UNSAFE = ["w=1", "journal=false", "readPreference=secondaryPreferred", "readConcernLevel=local"]
WRITES = {"insert", "update", "delete"}


def with_options(url: str, *options: str) -> str:
    return "&".join([url if "?" in url else f"{url}?", *options])


async def commands_at(url: str) -> Sequence[Command]:
    """Call all methods of all repositories; return the commands that were sent."""
    async with open_logged(url) as (repositories, log):
        await call_all(repositories)
    return log.sent


async def call_all(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    loaded = await repositories.phone_verifications.load(a_phone())
    await repositories.phone_verifications.replace(a_phone(), loaded.value, loaded.version)
    await repositories.phone_verifications.delete_expired(NOW + timedelta(days=90), 10)
    await repositories.identities.add(an_identity())
    await repositories.identities.replace(an_identity(), 1)
    await repositories.identities.load(an_id())
    await repositories.identities.find_by_username(Username("Zoë"))
    await repositories.deleted_identities.find_deleted([an_id()])
    await repositories.deleted_identities.list_unpurged(10)
    await repositories.deleted_identities.list_with_username(NOW, 10)
    await repositories.media_items.add(an_item())
    await repositories.media_items.load(an_id())
    await repositories.media_items.find_by_storage_key("a key")
    await repositories.media_items.delete(an_id(), 1)
    await repositories.media_pages.list_page(ItemFilter(), 0, 10)
    await repositories.media_pages.list_after(ItemFilter(), Cursor(NOW, an_id()), 10)
    await repositories.media_pages.count(ItemFilter(), 10_001)
    await repositories.media_cleanup.list_owned_by(an_id(), 10)
    await repositories.media_cleanup.list_expired_uploads(NOW, 10)
    await repositories.media_cleanup.list_deleting(NOW, 10)
    await repositories.media_cleanup.list_refused_deletions(10)
    await repositories.health.check()


@pytest.mark.parametrize("options", [[], UNSAFE])
async def test_writes_are_durable_on_a_majority(mongo_database: str, options: list[str]) -> None:
    commands = await commands_at(with_options(mongo_database, *options))

    writes = [command for command in commands if WRITES & command.keys()]
    assert len(writes) == 8
    assert all(command["writeConcern"] == {"w": "majority", "j": True} for command in writes)


@pytest.mark.parametrize("options", [[], UNSAFE])
async def test_reads_go_to_the_primary(mongo_database: str, options: list[str]) -> None:
    commands = await commands_at(with_options(mongo_database, *options))

    # The driver sends primaryPreferred over a direct connection, since there is only one server.
    modes = {command.get("$readPreference", {}).get("mode", "primary") for command in commands}
    assert modes <= {"primary", "primaryPreferred"}


async def test_reads_before_a_replacement_are_the_latest_others_are_durable(
    mongo_database: str,
) -> None:
    levels = {
        str([*command.get("filter", ())]): command["readConcern"]["level"]
        for command in await commands_at(mongo_database)
        if "find" in command
    }

    assert levels == {
        "['_id']": "local",
        "['username_key']": "local",
        "['_id', 'deleted_at']": "local",
        "['storage_key']": "local",
        "['expires_at']": "majority",
        "['purged_at', 'deleted_at']": "majority",
        "['deleted_at', 'username_key']": "majority",
        "['state']": "majority",
        "['state', 'created_at', '$or']": "majority",
        "['owner_id', 'deletion_requested_at']": "majority",
        "['state', 'upload_deadline']": "majority",
        "['deletion_requested_at']": "majority",
    }


@pytest.mark.parametrize(
    ("options", "max_time_ms"), [([], 5000), (["timeoutMS=3000"], 3000), (["timeoutMS=0"], 5000)]
)
async def test_commands_have_a_time_limit(
    mongo_database: str, options: list[str], max_time_ms: int
) -> None:
    commands = await commands_at(with_options(mongo_database, *options))

    limits = [command["maxTimeMS"] for command in commands]
    assert max_time_ms - 1500 < max(limits) <= max_time_ms


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
async def test_an_ignored_option_is_logged(
    mongo_database: str, caplog: pytest.LogCaptureFixture, option: str, used: str | None
) -> None:
    caplog.set_level(logging.INFO, logger="adapters.mongo")

    async with open_mongo_repositories(with_options(mongo_database, option), FakePhoneEncryption()):
        pass

    name = option.partition("=")[0].lower()
    expected = {"event": "mongo_option_ignored", "option": name, "used": used}
    ignored = [
        record.msg
        for record in caplog.records
        if isinstance(record.msg, dict) and record.msg["event"] == expected["event"]
    ]
    assert ignored == ([expected] if used else [])
