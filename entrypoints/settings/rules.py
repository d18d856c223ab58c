"""Rules between settings, and what the checks of several features have in common."""

import re
from collections.abc import Callable, Coroutine, Iterable
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, TypeAlias


class Problem(NamedTuple):
    """A rule between settings that is violated. Everything that reads the settings refuses them.

    Attributes:
        example: A text to show instead of the variable's example, if that is no fix; empty if the
            fix is to remove the variable.
    """

    variable: str
    text: str
    example: str | None = None


class Library(NamedTuple):
    """A library that an adapter needs. Nothing is created or opened without it."""

    variable: str
    extra: str
    subject: str


Check: TypeAlias = Callable[[], Coroutine[Any, Any, str]]
"""Return a note or an empty text. Raise an error for the operator if the part does not work.

The first line of a text belongs to the part, further ones are shown below it.
"""


Rule: TypeAlias = Callable[..., Iterable[Problem]]
"""Yields the problems of fields together. Its parameters have the names of what it reads."""

ONE_HOST_ONLY: Final = "{} is on one host only. Use {}, or set DIALTONE_SINGLE_HOST=yes."

# Names that are not in public DNS: one label, like that of a container, or a suffix for private
# networks (RFC 6761, 6762 and 8375, ICANN's .internal, Kubernetes).
_PRIVATE_NAME: Final = re.compile(
    r"[a-z][a-z0-9_-]*|(?:[a-z0-9_-]+\.)+(?:localhost|local|home\.arpa|internal|svc)"
)


def is_private(host: str) -> bool:
    """Return whether a host is in a private network, judged by its name or IP."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return _PRIVATE_NAME.fullmatch(host) is not None
