"""Publish the keys that verify access tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.ports.keys import AccessTokens, PublicKey


@dataclass(frozen=True, slots=True)
class GetJwks:
    """Return the public keys, so that others can verify access tokens (RFC 7517).

    - A key is published before it signs, so clients that keep the set for a while have it by then.
    - A key that is not published anymore has signed nothing that is still valid.
    """

    tokens: AccessTokens

    def __call__(self) -> Sequence[PublicKey]:
        """Return all published keys, the newest first."""
        return self.tokens.list_published()
