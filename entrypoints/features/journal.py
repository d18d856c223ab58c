"""The journal of acts, which outlives the database."""

from typing import Final

from entrypoints.features.feature import Feature


class Journal(Feature):
    """The journal of acts, which outlives the database."""

    name = "journal"
    folders = (
        "domain/journal",
        "application/journal",
        "application/ports/journal.py",
        "adapters/journal",
    )


JOURNAL: Final = Journal()
