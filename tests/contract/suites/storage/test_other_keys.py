"""A database belongs to the keys that it was first opened with."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import DELIVERY_REPORTS
from application.ports.errors import ConfigurationError
from tests.contract.suites.external_adapter import OpenDatabase
from tests.contract.suites.storage.record_examples import add_reports, load_one

OpenWithOtherKeys = Callable[[], AbstractAsyncContextManager[Database]]


async def test_a_database_is_not_opened_with_other_keys(
    open_database: OpenDatabase, open_with_other_keys: OpenWithOtherKeys
) -> None:
    async with open_database() as database:
        await add_reports(database.records, "1")

    for _ in range(2):
        try:
            async with open_with_other_keys():
                pytest.fail(
                    "It was opened with other keys, and would find no phone: raise "
                    "ConfigurationError if phone_encryption.key_fingerprint() is not the one that "
                    "was stored when it was opened first",
                    pytrace=False,
                )
        except ConfigurationError:
            pass

    async with open_database() as database:
        assert await load_one(database.records, DELIVERY_REPORTS)
