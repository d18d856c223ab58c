import gc
import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.support.examples import DETERMINISTIC

pytest_plugins = ["tests.support.servers.plugin"]

# --hypothesis-profile is read later and overrides this.
settings.load_profile(DETERMINISTIC)


def pytest_configure() -> None:
    # A background process of a script ignores SIGINT, and its children inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slow files first; otherwise one process works on them when the others are done."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
    for item in items:
        if _is_not_measured(item):
            item.add_marker("no_cover")


def _is_not_measured(item: pytest.Item) -> bool:
    """Return whether a test says nothing about coverage, which makes it up to three times slower.

    Tests with generated or with all values run the same lines again and again, and what is covered
    must not depend on chance. The other ones run the service in processes, which are not measured.
    """
    repeats = any(item.get_closest_marker(name) for name in ("hypothesis", "exhaustive"))
    return repeats or not {"e2e", "walk", "tooling"}.isdisjoint(item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the collected objects, which live until the end, from garbage collection.

    It took a sixth of the time of the unit tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture
def emptied_mongo_database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty MongoDB database that exists already; to create one takes longer."""
    # Unit tests import no driver.
    from tests.contract.mongo_database import (
        contract_database_url,
        in_mongo,
    )

    in_mongo(request)
    return contract_database_url(request)
