"""Content that is compressed once, and sent as each client takes it (RFC 9110 §8.4 and §12.5.3).

Only for what is the same for everybody. All other responses are sent as they are: if one has a
secret beside a text that a page chooses, its compressed length tells the secret (BREACH). Litestar
compresses all responses of an application or none, and finds `gzip` in `gzip;q=0`.
"""

import gzip
import re
from typing import Final

from litestar.datastructures import Headers

_CODING: Final = re.compile(
    r"\s*(?P<coding>[\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*(?P<q>[01](?:\.[0-9]{0,3})?)\s*)?",
    re.ASCII | re.IGNORECASE,
)
_LEVEL: Final = 9


def compress(content: bytes) -> bytes:
    """Compress content, to the same bytes each time."""
    return gzip.compress(content, _LEVEL, mtime=0)


def prefers_gzip(headers: Headers) -> bool:
    """Return whether `Accept-Encoding` permits gzip, and prefers nothing else that we have.

    Without the header it does not: the client may be one that decodes nothing. What is malformed
    is ignored.
    """
    weights: dict[str, float] = {}
    for text in ",".join(headers.getall("accept-encoding", [])).split(","):
        if match := _CODING.fullmatch(text):
            weights[match["coding"].lower()] = float(match["q"] or 1)
    others = weights.get("*", 0.0)
    weight = weights.get("gzip", weights.get("x-gzip", others))
    return 0 < weight <= 1 and weight >= weights.get("identity", 0.0)
