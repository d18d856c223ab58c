import gc
from collections.abc import Generator
from typing import Final

import pytest
from hypothesis import settings

from tests.examples import STEADY

pytest_plugins = ["tests.servers.plugin"]

# --hypothesis-profile is read after this and has the last word.
settings.load_profile(STEADY)


LONG_FILES: Final = (
    "test_description_kept", "test_senders_in_order", "test_description_of_broken_parts",
    "test_broken_parts", "test_running", "test_mongo_races", "test_operators",
    "test_start_refused", "test_blocking", "test_mongo_stopped", "test_budgets",
    "test_library_machine", "test_sign_in_machine", "test_users_machine",
    "test_killed_at_every_step",
)  # fmt: skip
"""What takes long comes first, or one process is busy with it when the others are done."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
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
