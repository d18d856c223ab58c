"""Times as the clients read them."""

from datetime import datetime


def iso(time: datetime) -> str:
    """Write a time in UTC as ISO 8601 with milliseconds and `Z` (as Dart's DateTime.parse does)."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
