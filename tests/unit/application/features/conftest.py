"""These tests use all features."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.app_harness import AppHarness


@pytest.fixture
def app() -> "AppHarness":
    # Mutation tests load this file before they change the constants of the domain.
    from tests.support.app_harness import AppHarness

    return AppHarness()
