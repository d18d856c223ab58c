"""The phone line, and codes that are read out in a call."""

from typing import Final

from entrypoints.features.feature import Feature


class Voice(Feature):
    """The phone line, and codes that are read out in a call."""

    name = "voice"
    folders = (
        "domain/voice",
        "application/voice",
        "application/ports/voice.py",
        "adapters/flows",
        "adapters/records/features/voice.py",
        "entrypoints/http/voice",
        "entrypoints/commands/voice",
        "pytest_dialtone/suites/voice",
    )


VOICE: Final = Voice()
