import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.examples import STEADY

pytest_plugins = ["tests.servers.plugin"]

# --hypothesis-profile is read after this and has the last word.
settings.load_profile(STEADY)


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
