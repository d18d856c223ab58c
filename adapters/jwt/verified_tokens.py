import hashlib
from typing import Final

from application.ports.access_tokens import TokenClaims

MOST: Final = 10_000


class VerifiedTokens:
    """Tokens whose signatures were found genuine, so that none is verified at each request.

    It says nothing of time and of whose session it is: that is for the caller, each time. Tokens
    are remembered by their SHA-256, so that no token can be read out of memory. At most `most` are
    kept, those used lately: two generations, of which the older goes when the newer is half of
    them. A full one takes 4 MB.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most_of_a_generation = most // 2
        self._newer: dict[bytes, TokenClaims] = {}
        self._older: dict[bytes, TokenClaims] = {}

    def claims(self, token: str) -> TokenClaims | None:
        """Give the claims of a token that was put here, if it is still kept."""
        digest = _digest(token)
        claims = self._newer.get(digest)
        if claims is None and (claims := self._older.get(digest)) is not None:
            self._keep(digest, claims)
        return claims

    def put(self, token: str, claims: TokenClaims) -> None:
        """Keep the claims of a token whose signature was verified."""
        self._keep(_digest(token), claims)

    def __len__(self) -> int:
        return len(self._newer.keys() | self._older.keys())

    def _keep(self, digest: bytes, claims: TokenClaims) -> None:
        if len(self._newer) >= self._most_of_a_generation:
            self._older, self._newer = self._newer, {}
        self._newer[digest] = claims


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
