"""Times as the clients read them."""

from datetime import UTC, datetime


def iso(time: datetime) -> str:
    """Write a time as ISO 8601 in UTC with `Z`, for Dart's DateTime.parse and JavaScript's Date.

    It is cut to whole milliseconds, which is all that JavaScript knows.
    """
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
