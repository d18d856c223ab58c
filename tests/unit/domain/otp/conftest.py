import pytest

from tests.unit.domain.otp.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """A phone that never asked."""
    return Desk()
