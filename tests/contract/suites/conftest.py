"""The suites run with an adapter of somebody else here. The tests of tests/contract import them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.suites.attestation.driver import AttestationDriver
from tests.contract.suites.events.driver import EventsDriver
from tests.contract.suites.external_adapter import is_given, open_external_adapter
from tests.contract.suites.media.media_store import Store
from tests.contract.suites.messages.driver import MessengerDriver
from tests.contract.suites.provider_driver import ProviderDriver
from tests.contract.suites.time_zone import west_of_utc  # noqa: F401 -- each test uses it
from tests.contract.suites.voice.drivers import CallsDriver, VoiceDriver

collect_ignore_glob = [] if is_given() else ["*"]


def open_driver(driver_type: Callable[[Any], ProviderDriver]) -> Any:
    """Return a fixture that opens the adapter, and mends its provider at the end of the test."""

    async def driver(tmp_path: Path) -> AsyncIterator[ProviderDriver]:
        async with open_external_adapter(tmp_path) as adapter:
            opened = driver_type(adapter)
            yield opened
            await opened.end_test()

    return pytest.fixture(driver)


attestation_driver = open_driver(AttestationDriver)
calls_driver = open_driver(CallsDriver)
events_driver = open_driver(EventsDriver)
messenger_driver = open_driver(MessengerDriver)
voice_driver = open_driver(VoiceDriver)


@pytest.fixture
def media_store(tmp_path: Path) -> Store:
    """Return an empty media store."""
    return Store(tmp_path)


@pytest.fixture
def outage_store(media_store: Store) -> Store:
    """Return an empty media store that the test hangs and mends."""
    return media_store
