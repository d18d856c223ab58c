"""The suites of what asks clients for a proof."""

from typing import Final

from application.features.attestation.ports import Attestation
from tests.contract.suites.port import Port

PORTS: Final = (Port("attestation", "DIALTONE_ATTESTATION", Attestation, ("attestation",)),)
