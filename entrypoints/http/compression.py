"""Content that is compressed once, and sent as each client takes it (RFC 9110 §8.4 and §12.5.3).

Only for what is the same for everybody. All other responses are sent as they are: if one has a
secret beside a text that a page chooses, its compressed length tells the secret (BREACH).
"""

import gzip
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from litestar.datastructures import Headers

from entrypoints.http.preconditions import Validators

_CODING: Final = re.compile(
    r"\s*(?P<coding>[\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*(?P<q>[01](?:\.[0-9]{0,3})?)\s*)?",
    re.ASCII | re.IGNORECASE,
)
_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class Representation:
    """The bytes of the content in one coding. Each coding has an ETag of its own."""

    content: bytes
    validators: Validators
    coding: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a response with it."""
        coding = {"Content-Encoding": self.coding} if self.coding else {}
        return self.validators.headers | coding


@dataclass(frozen=True, slots=True)
class CompressedContent:
    """The content, as it is and by gzip. Its responses need `Vary: Accept-Encoding`."""

    plain: Representation
    gzipped: Representation

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Compress it."""
        compressed = gzip.compress(content, _LEVEL, mtime=0)
        return cls(
            Representation(content, _validate(content)),
            Representation(compressed, _validate(compressed), "gzip"),
        )

    def select(self, headers: Headers) -> Representation:
        """Return the representation for a client with these headers of a request."""
        return self.gzipped if prefers_gzip(headers) else self.plain


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


def _validate(content: bytes) -> Validators:
    return Validators(etag=f'"{sha256(content).hexdigest()}"')
