"""The media store."""

from pathlib import Path

import pytest

from tests.contract.suites.media.media_store import ExternalStore, Store


@pytest.fixture
def media_store(tmp_path: Path) -> Store:
    """Return an empty media store."""
    return ExternalStore(tmp_path)


@pytest.fixture
def outage_store(media_store: Store) -> Store:
    """Return an empty media store that the test hangs and mends."""
    return media_store
