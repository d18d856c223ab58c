"""Fixtures and reports of a run with an external adapter."""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from adapters.records.database import Database
from entrypoints.contract_tests.adapter_watch import find_left_open, list_open
from entrypoints.contract_tests.drivers import (
    AttestationDriver,
    CallsDriver,
    EventsDriver,
    ExternalAttestationDriver,
    ExternalCallsDriver,
    ExternalEventsDriver,
    ExternalMessengerDriver,
    ExternalVoiceDriver,
    MessengerDriver,
    VoiceDriver,
)
from entrypoints.contract_tests.external_adapter import (
    OpenDatabase,
    TestMethodFailed,
    call_test_method,
    is_given,
    is_limit_store,
    open_external_adapter,
    open_external_database,
)
from entrypoints.contract_tests.media_store import ExternalStore, Store

OF_TEST_METHOD: Final = "of_test_method"
collect_ignore_glob = [] if is_given() else ["*"]
"""Without an adapter there is nothing to test."""


@pytest.fixture(autouse=True)
async def nothing_left_open() -> AsyncIterator[None]:
    """Fail if the adapter leaves something open.

    It begins before the adapter is opened, and ends after it is closed.
    """
    before = list_open()
    yield
    if left := await find_left_open(before):
        pytest.fail(f"The adapter left open: {', '.join(left)}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the reports of methods that only tests call."""
    report = yield
    if call.excinfo and call.excinfo.errisinstance(TestMethodFailed):
        report.user_properties.append((OF_TEST_METHOD, True))
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count a failure of such a method as an error of the test, not as a failed test."""
    if any(name == OF_TEST_METHOD for name, _ in report.user_properties):
        return "error", "E", "ERROR"
    return None


@pytest.fixture
def open_database(tmp_path: Path) -> OpenDatabase:
    """Return a function that opens the database, which is empty at first."""
    return partial(open_external_database, tmp_path)


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    """Open an empty database."""
    async with open_database() as database:
        yield database


@pytest.fixture
async def other_database(
    open_database: OpenDatabase, database: Database
) -> AsyncIterator[Database]:
    """Open the same database again, as another instance of the service does."""
    async with open_database() as other_database:
        yield other_database


@asynccontextmanager
async def closed(open_database: OpenDatabase) -> AsyncIterator[Database]:
    async with open_database() as database:
        pass
    yield database


@asynccontextmanager
async def without_provider(open_database: OpenDatabase) -> AsyncIterator[Database]:
    async with open_database() as database:
        store = database.limits if is_limit_store() else database.records
        await call_test_method(store, "break_provider")
        yield database


@pytest.fixture(params=[closed, without_provider], ids=lambda make: make.__name__)
async def unusable_database(
    request: pytest.FixtureRequest, open_database: OpenDatabase
) -> AsyncIterator[Database]:
    """Return a database that cannot be used."""
    make: Callable[[OpenDatabase], AbstractAsyncContextManager[Database]] = request.param
    async with make(open_database) as database:
        yield database


@pytest.fixture
def media_store(tmp_path: Path) -> Store:
    """Return an empty media store."""
    return ExternalStore(tmp_path)


@pytest.fixture
async def messenger_driver(tmp_path: Path) -> AsyncIterator[MessengerDriver]:
    """Open the messenger."""
    async with open_external_adapter(tmp_path) as messenger:
        yield ExternalMessengerDriver(messenger)


@pytest.fixture
async def events_driver(tmp_path: Path) -> AsyncIterator[EventsDriver]:
    """Open the destination of events."""
    async with open_external_adapter(tmp_path) as destination:
        yield ExternalEventsDriver(destination)


@pytest.fixture
async def attestation_driver(tmp_path: Path) -> AsyncIterator[AttestationDriver]:
    """Open what asks clients for a proof."""
    async with open_external_adapter(tmp_path) as attestation:
        yield ExternalAttestationDriver(attestation)


@pytest.fixture
async def calls_driver(tmp_path: Path) -> AsyncIterator[CallsDriver]:
    """Open the phone line, as a provider of calls."""
    async with open_external_adapter(tmp_path) as voice:
        yield ExternalCallsDriver(voice)


@pytest.fixture
async def voice_driver(tmp_path: Path) -> AsyncIterator[VoiceDriver]:
    """Open the phone line, as signatures, parser and markup."""
    async with open_external_adapter(tmp_path) as voice:
        yield ExternalVoiceDriver(voice)
