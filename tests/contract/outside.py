"""An adapter from outside, put to the suites in place of ours (`make test-adapter`)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from application.ports.repositories import Repositories
from entrypoints.own_adapters import open_own, probe_of
from entrypoints.settings.kinds import Factory
from tests.support.fakes.seal import FakeSeal

ADAPTER: Final = "DIALTONE_TEST_ADAPTER"
PLACE: Final = "DIALTONE_TEST_PLACE"


def is_given() -> bool:
    """Whether an adapter from outside takes the place of ours."""
    return ADAPTER in os.environ


@asynccontextmanager
async def open_outside(place: Path) -> AsyncIterator[Any]:
    """Open it for a place: each new one is empty, the same one is the same as before.

    The factory finds the place in the environment, as DIALTONE_TEST_PLACE.
    """
    environ = {**os.environ, PLACE: str(place)}
    async with open_own(Factory(os.environ[ADAPTER]), ADAPTER, environ, FakeSeal()) as adapter:
        yield adapter if isinstance(adapter, Repositories) else Probed(adapter)


class Probed:
    """An adapter that can be asked whether it would work, as the service asks it."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.check = probe_of(adapter).check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)
