"""The suites of what asks clients for a proof."""

from typing import Final

from application.ports.attestation import Attestation
from pytest_dialtone.port import Port, has_method

PORTS: Final = (
    Port("DIALTONE_ATTESTATION", Attestation, has_method("challenge"), ("attestation",)),
)
