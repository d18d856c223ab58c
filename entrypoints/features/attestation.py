"""Proof before a message: a challenge in place of a 429."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.commands.connection_checks import Check
    from entrypoints.settings.settings import Settings


class Attestation(Feature):
    """Proof before a message: a challenge in place of a 429."""

    name = "attestation"
    folders = (
        "domain/attestation",
        "application/attestation",
        "application/ports/attestation.py",
        "adapters/attestation",
        "entrypoints/commands/attestation",
        "adapters/records/features/attestation.py",
        "pytest_dialtone/suites/attestation",
    )

    def connection_checks(self, settings: "Settings") -> "Mapping[str, Check]":
        """Return what `check-settings --connect` tries, by the name that it shows."""
        from entrypoints.commands.attestation.check_connection import connection_checks

        return connection_checks(settings)


ATTESTATION: Final = Attestation()
