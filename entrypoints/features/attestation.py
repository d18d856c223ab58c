"""Proof before a message: a challenge in place of a 429."""

from typing import Final

from entrypoints.features.feature import Feature


class Attestation(Feature):
    """Proof before a message: a challenge in place of a 429."""

    name = "attestation"
    folders = (
        "domain/attestation",
        "application/attestation",
        "application/ports/attestation.py",
        "adapters/attestation",
        "adapters/records/features/attestation.py",
        "pytest_dialtone/suites/attestation",
    )


ATTESTATION: Final = Attestation()
