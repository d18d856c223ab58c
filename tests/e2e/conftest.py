import itertools

import pytest

_numbers = itertools.count(1)


@pytest.fixture
def phone() -> str:
    """A phone that no other test of this process uses."""
    return f"+1415556{next(_numbers):04d}"
