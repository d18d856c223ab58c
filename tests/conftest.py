import gc
import signal
from collections.abc import Generator
from typing import Final

import pytest
from hypothesis import settings

from tests.support.examples import DETERMINISTIC

pytest_plugins = ["tests.support.servers.plugin"]

_SLOW_FOLDERS: Final = {"e2e", "faults"}
_SLOW_SERVERS: Final = {"s3_server"}
_DATABASE_SERVERS: Final = {"mongo_url", "postgres_server", "emptied_mongo_database"}

# --hypothesis-profile is read later and overrides this.
settings.load_profile(DETERMINISTIC)


def pytest_configure() -> None:
    # A background process of a script ignores SIGINT, and its children inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the running service, and those that need a server of `make test-slow`."""
    for item in items:
        fixtures = {*getattr(item, "fixturenames", ())}
        # What all databases promise is in `contract`; this is what one of them does besides.
        is_of_one = "integration" in item.path.parts and fixtures & _DATABASE_SERVERS
        if _SLOW_FOLDERS & {*item.path.parts} or fixtures & _SLOW_SERVERS or is_of_one:
            item.add_marker("slow")


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
    from tests.contract.mongo_database import contract_database_url, in_mongo

    in_mongo(request)
    return contract_database_url(request)
