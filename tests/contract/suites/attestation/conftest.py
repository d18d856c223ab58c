"""What asks clients for a proof."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.suites.attestation.driver import AttestationDriver, ExternalAttestationDriver
from tests.contract.suites.external_adapter import open_external_adapter


@pytest.fixture
async def attestation_driver(tmp_path: Path) -> AsyncIterator[AttestationDriver]:
    """Open what asks clients for a proof."""
    async with open_external_adapter(tmp_path) as attestation:
        driver = ExternalAttestationDriver(attestation)
        yield driver
        await driver.end_test()
