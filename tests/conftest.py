import gc
import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.support.examples import STEADY
from tests.support.long_files import LONG_FILES

pytest_plugins = ["tests.support.servers.plugin"]

# --hypothesis-profile is read after this and has the last word.
settings.load_profile(STEADY)


def pytest_configure() -> None:
    # What a script starts in its background ignores Ctrl-C, and hands that on to all it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what takes long begin first, or one process is busy with it when others are done."""
    items.sort(key=lambda item: item.path.stem not in LONG_FILES)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have what is made in here, and stays to the end, looked through for garbage by nobody.

    That took a sixth of the unit tests' time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
