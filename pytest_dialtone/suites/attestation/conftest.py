"""What asks clients for a proof."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytest_dialtone.external_adapter import open_external_adapter
from pytest_dialtone.suites.attestation.driver import AttestationDriver, ExternalAttestationDriver


@pytest.fixture
async def attestation_driver(tmp_path: Path) -> AsyncIterator[AttestationDriver]:
    """Open what asks clients for a proof."""
    async with open_external_adapter(tmp_path) as attestation:
        driver = ExternalAttestationDriver(attestation)
        yield driver
        await driver.end_test()
