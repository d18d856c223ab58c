import hashlib
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from application.ports.errors import InvalidToken
from application.ports.keys import TokenClaims


class FakeAccessTokens:
    """Access tokens that are digests of their claims; instances with the same key share them."""

    _issued: ClassVar[dict[tuple[bytes, str], TokenClaims]] = {}

    def __init__(self, key: bytes = b"the only key") -> None:
        self._key = key

    def issue(self, claims: TokenClaims) -> str:
        issued_at, expires_at = (
            at.replace(microsecond=0) for at in (claims.issued_at, claims.expires_at)
        )
        claims = replace(claims, issued_at=issued_at, expires_at=expires_at)
        token = hashlib.blake2b(repr(claims).encode(), key=self._key, digest_size=32).hexdigest()
        self._issued[self._key, token] = claims
        return token

    def verify(self, token: str, now: datetime) -> TokenClaims:
        claims = self._issued.get((self._key, token))
        if claims is None or now >= claims.expires_at:
            raise InvalidToken("expired, or not a token of ours")
        return claims
