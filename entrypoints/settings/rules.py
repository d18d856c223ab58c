"""What a rule between settings is, and what the rules of several features have in common."""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any, Final, NamedTuple


class Problem(NamedTuple):
    """A rule that is violated.

    Attributes:
        variable: The variable to change.
        text: What is wrong with it.
        example: A text to show instead of the variable's example, if that is no fix; empty if the
            fix is to remove the variable.
    """

    variable: str
    text: str
    example: str | None = None


Rule = Callable[[Any], Iterator[Problem]]
"""Takes all settings, and yields their problems."""

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
