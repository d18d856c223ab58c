import pytest

from tests.unit.domain.sign_in.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """A phone that never asked."""
    return Desk()
