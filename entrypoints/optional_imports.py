"""Packages that libraries import if they find them, and that the service does not use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_rich() -> Iterator[None]:
    """Let structlog and httpx find no rich.

    They would import it for tracebacks and a command that the service does not have: 100 ms and
    6 MB in each process.
    """
    if "rich" in sys.modules:
        yield
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python: it cannot be imported
    try:
        yield
    finally:
        del sys.modules["rich"]
