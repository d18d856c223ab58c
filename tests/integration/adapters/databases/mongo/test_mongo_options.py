"""Options of the URL are used if they are safe, and otherwise ignored."""

from collections.abc import Sequence

import pytest

from adapters.databases.records.kinds import IDENTITIES, USERNAMES
from tests.contract.suites.storage.test_storage_errors import OPERATIONS
from tests.integration.adapters.databases.mongo.mongo_support import Command, open_logged

UNSAFE = ["w=1", "journal=false", "readPreference=secondaryPreferred", "readConcernLevel=local"]
WRITES = {"insert", "update", "delete"}
FILTERS_OF_ONE_RECORD = [["_id"], ["username_key"]]


def with_options(url: str, *options: str) -> str:
    return "&".join([url if "?" in url else f"{url}?", *options])


async def commands_at(url: str) -> Sequence[Command]:
    """Call all methods of both stores; return the commands that were sent."""
    async with open_logged(url) as (database, log):
        for operation in OPERATIONS.values():
            await operation(database)
        await database.records.find(IDENTITIES, USERNAMES, ["rahul"], limit=1)
    return log.sent


async def test_writes_are_durable_on_a_majority_and_reads_go_to_the_primary(
    emptied_mongo_database: str,
) -> None:
    commands = await commands_at(with_options(emptied_mongo_database, *UNSAFE))
    writes = [command for command in commands if WRITES & command.keys()]
    assert len(writes) >= 7
    assert all(command["writeConcern"] == {"w": "majority", "j": True} for command in writes)
    # The driver sends primaryPreferred over a direct connection, since there is only one server.
    modes = {command.get("$readPreference", {}).get("mode", "primary") for command in commands}
    assert modes <= {"primary", "primaryPreferred"}


async def test_reads_before_a_replacement_are_the_latest_others_are_durable(
    emptied_mongo_database: str,
) -> None:
    for command in await commands_at(emptied_mongo_database):
        if "find" in command or "aggregate" in command:
            sought = command.get("filter") or command.get("pipeline", [{}])[0].get("$match", {})
            is_range = "$gt" in str(sought.get("_id"))
            is_of_one_record = [*sought] in FILTERS_OF_ONE_RECORD and not is_range
            level = "local" if is_of_one_record else "majority"
            assert command["readConcern"]["level"] == level, command


@pytest.mark.parametrize(
    ("options", "max_time_ms"), [(["timeoutMS=3000"], 3000), (["timeoutMS=0"], 5000)]
)
async def test_commands_have_a_time_limit(
    emptied_mongo_database: str, options: list[str], max_time_ms: int
) -> None:
    commands = await commands_at(with_options(emptied_mongo_database, *options))

    limits = [command["maxTimeMS"] for command in commands]
    assert max_time_ms - 1500 < max(limits) <= max_time_ms
