"""An external adapter, which the contract suites run on instead of ours (`make test-adapter`)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import isawaitable, signature
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.records.database import Database
from adapters.records.record_store import RecordStore
from application.ports.limits import LimitStore
from application.ports.media import MediaFiles
from application.ports.otp import Messenger
from entrypoints.factories import health_check_of, load_factory, open_adapter
from entrypoints.settings.values import Factory
from tests.contract.adapter_watch import MAX_PAUSE, watch_loop
from tests.support.fakes.phone_encryption import FakePhoneEncryption

ADAPTER: Final = "DIALTONE_TEST_ADAPTER"
SETTING: Final = "DIALTONE_TEST_SETTING"
PLACE: Final = "DIALTONE_TEST_PLACE"
DATABASE: Final = "DIALTONE_DATABASE"
LIMIT_STORE: Final = "DIALTONE_LIMIT_STORE"
MEDIA: Final = "DIALTONE_MEDIA"
SMS: Final = "DIALTONE_SMS"
PORTS: Final[dict[str, type]] = {
    DATABASE: Database,
    LIMIT_STORE: LimitStore,
    MEDIA: MediaFiles,
    SMS: Messenger,
}
"""What the factory of each setting yields."""


class TestMethodFailed(Exception):
    """A method that only tests call has failed: it is no failure of the adapter's port."""


def is_given() -> bool:
    """Return whether an external adapter replaces ours."""
    return ADAPTER in os.environ


def is_limit_store() -> bool:
    """Return whether the external adapter is a limit store alone."""
    return os.environ.get(SETTING) == LIMIT_STORE


@asynccontextmanager
async def open_external_adapter(folder: Path) -> AsyncIterator[Any]:
    """Open the adapter for a folder. It is empty for a new folder, and keeps what it has stored.

    The factory finds the path of the folder in the environment, as DIALTONE_TEST_PLACE. Errors
    name the setting of the adapter, or what the author called it while that is not known. A test
    fails if the event loop was blocked meanwhile.
    """
    factory, setting = Factory(os.environ[ADAPTER]), os.environ.get(SETTING, "ADAPTER")
    arguments: dict[str, Any] = {"environ": {**os.environ, PLACE: str(folder)}}
    has_encryption = setting == DATABASE or (
        setting not in PORTS
        and "phone_encryption" in signature(load_factory(factory, setting)).parameters
    )
    if has_encryption:
        arguments["phone_encryption"] = FakePhoneEncryption()
    port = PORTS.get(setting, object)
    async with open_adapter(factory, setting, port, **arguments) as adapter:
        with watch_loop() as pauses:
            yield adapter if isinstance(adapter, Database) else WithHealthCheck(adapter)
    if pauses:
        pytest.fail(
            f"The event loop was blocked for {MAX_PAUSE} seconds: {pauses[0]}", pytrace=False
        )


@asynccontextmanager
async def open_external_database(folder: Path, records: RecordStore) -> AsyncIterator[Database]:
    """Open an adapter that is a database, or a store of limits beside other records."""
    async with open_external_adapter(folder) as adapter:
        if isinstance(adapter, Database):
            yield adapter
        else:
            yield Database(records, limits=adapter, health=adapter)


class WithHealthCheck:
    """An adapter with the health check that the service would use."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.has_health_check = hasattr(adapter, "check")
        self.check = health_check_of(adapter).check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


async def call_test_method(adapter: Any, name: str, *arguments: object) -> Any:
    """Call a method that an adapter may have for tests. It returns, or is awaited.

    A test that needs a method that there is not is skipped.
    """
    method = getattr(adapter, name, None)
    if method is None:
        pytest.skip(f"it has no {name}(), see docs/adapters.md")
    try:
        result = method(*arguments)
        return await result if isawaitable(result) else result
    except Exception as error:
        raise TestMethodFailed(f"{name}() raised {type(error).__name__}") from error
