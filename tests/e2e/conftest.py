import itertools
from collections.abc import Iterator

import pytest

from tests.support.service import Service, running

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that do not stop it. Each test has its own phones."""
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def phone() -> str:
    """A phone that no other test of this process uses."""
    return f"+1415556{next(_numbers):04d}"
