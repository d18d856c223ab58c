"""Packages that libraries import if they find them, and that the service does not use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_packages(*names: str) -> Iterator[None]:
    """Let libraries not find these packages, even if they are imported already.

    - structlog and httpx would import rich and click for tracebacks and a command that the service
      does not have: 100 ms and 6 MB in each process.
    - Litestar would import its plugins for pydantic and attrs: 50 ms and 2 MB.
    """
    hidden = {name: sys.modules[name] for name in names if name in sys.modules}
    # Python: they cannot be imported.
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(hidden)
