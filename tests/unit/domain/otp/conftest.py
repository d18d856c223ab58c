import pytest

from tests.unit.domain.otp.verification_driver import VerificationDriver


@pytest.fixture
def driver() -> VerificationDriver:
    """A phone that never requested a code."""
    return VerificationDriver()
