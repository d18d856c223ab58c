"""An external adapter, which the contract suites run on instead of ours (`make test-adapter`)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import signature
from pathlib import Path
from typing import Any, Final

from adapters.records.database import Database
from entrypoints.factories import health_check_of, load_factory, open_adapter
from entrypoints.settings.values import Factory
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.phone_encryption import FakePhoneEncryption

ADAPTER: Final = "DIALTONE_TEST_ADAPTER"
PLACE: Final = "DIALTONE_TEST_PLACE"


def is_given() -> bool:
    """Return whether an external adapter replaces ours."""
    return ADAPTER in os.environ


@asynccontextmanager
async def open_external_adapter(folder: Path) -> AsyncIterator[Any]:
    """Open the adapter for a folder. It is empty for a new folder, and keeps what it has stored.

    The factory finds the path of the folder in the environment, as DIALTONE_TEST_PLACE.
    """
    factory = Factory(os.environ[ADAPTER])
    arguments: dict[str, Any] = {"environ": {**os.environ, PLACE: str(folder)}}
    if "phone_encryption" in signature(load_factory(factory, ADAPTER)).parameters:
        arguments["phone_encryption"] = FakePhoneEncryption()
    async with open_adapter(factory, ADAPTER, object, **arguments) as adapter:
        yield adapter if isinstance(adapter, Database) else WithHealthCheck(adapter)


@asynccontextmanager
async def open_external_database(folder: Path) -> AsyncIterator[Database]:
    """Open an adapter that is a database, or a store of limits beside records in memory."""
    async with open_external_adapter(folder) as adapter:
        if isinstance(adapter, Database):
            yield adapter
        else:
            yield Database(InMemoryDatabase().records, limits=adapter, health=adapter)


class WithHealthCheck:
    """An adapter with the health check that the service would use."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.check = health_check_of(adapter).check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)
