"""Statistics of messages and logins, and what messages and calls cost."""

from typing import Final

from entrypoints.features.feature import Feature


class Statistics(Feature):
    """Statistics of messages and logins, and what messages and calls cost."""

    name = "statistics"
    folders = (
        "domain/statistics",
        "application/statistics",
        "application/ports/statistics.py",
        "adapters/price_file",
        "adapters/records/features/statistics.py",
        "entrypoints/http/statistics",
        "entrypoints/commands/statistics",
    )


STATISTICS: Final = Statistics()
