"""Time limits that a machine which stalls does not reach."""

from typing import Final

from adapters.shared.http import Timeouts

LONG: Final = Timeouts(connect=30, read=30, total=100, pool=30)
"""For requests that are answered at once."""


def with_long_timeout(url: str) -> str:
    """Return the URL of a MongoDB or PostgreSQL database with half a minute for each call.

    By default a call fails that has no turn within 1.5 seconds.
    """
    option = "timeoutMS=30000" if url.startswith("mongodb") else "timeout=30"
    return f"{url}{'&' if '?' in url else '?'}{option}"
