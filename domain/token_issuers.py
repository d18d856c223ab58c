"""Who issues access tokens: the claim `iss` (RFC 7519 §4.1.1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

DEFAULT_ISSUER: Final = "dialtone"
"""The issuer of a service without a public URL."""


@dataclass(frozen=True, slots=True)
class TokenIssuers:
    """The issuer of new tokens, and all whose tokens are accepted, if our keys signed them."""

    issuer: str = DEFAULT_ISSUER
    accepted_issuers: tuple[str, ...] = (DEFAULT_ISSUER,)

    @classmethod
    def of(cls, issuer: str, others: Iterable[str]) -> "TokenIssuers":
        """Return the issuers if others are accepted too."""
        return cls(issuer, tuple(dict.fromkeys([issuer, *others])))
