"""Issuing and verifying access tokens."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import jwt
import msgspec

from adapters.security.jwt.keys import TokenKey, TokenKeys, long_lived_id, prepare_token_keys
from application.ports.errors import InvalidToken
from application.ports.keys import KeyRing, PublicKey, TokenClaims
from domain.token_issuers import TokenIssuers

MAX_TOKEN_LENGTH: Final = 4096
# The library also accepts padding: then two texts would be one token.
_TOKEN_PATTERN: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class _Payload(msgspec.Struct, gc=False):
    """The required claims of a token beside `iss` and `aud`. Unknown claims are ignored."""

    iat: int
    exp: int
    sub: str
    sid: str
    gen: int | None = None


_OPTIONS: Final[Any] = {
    "strict_aud": True,
    # The caller's clock decides. The instance that issued a token may be a second ahead.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
_DECODE_ERRORS: Final = (
    jwt.PyJWTError,
    msgspec.ValidationError,  # the type of a claim
    OverflowError,  # a time that no date has, or OSError and ValueError
    OSError,
    ValueError,
)


class JwtAccessTokens:
    """Access tokens with refresh tokens are signed with ES256, long-lived ones with HS256.

    According to RFC 8725:

    - A key has one algorithm, which the token's header must name (§3.1).
    - Issuer, subject and audience are checked (§3.8, §3.9).
    - Explicit type `at+jwt` of RFC 9068 (§3.11).
    - Headers with other members (`jku`, `jwk`, `crit`, `b64`, …) are rejected (§3.10).
    - Long-lived tokens, which have no refresh tokens, are signed with a secret: a verifier that
      does not ask the service would accept them after a logout, for months.
    """

    def __init__(
        self,
        key_set: KeyRing,
        long_lived_key_set: KeyRing,
        *,
        issuers: TokenIssuers,
        audience: str,
    ) -> None:
        """Use the P-256 private keys (PEM) of the first set, and derive keys from the second."""
        self._key_set = key_set
        self._long_lived_key_set = long_lived_key_set
        self._keys = prepare_token_keys(key_set.accepted(), long_lived_key_set.accepted())
        self._issuers = issuers
        self._audience = audience

    def issue(self, claims: TokenClaims) -> str:
        # Times are whole seconds (RFC 7519 §2).
        payload: dict[str, object] = {
            "iss": self._issuers.issuer,
            "aud": self._audience,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "sub": claims.identity_id,
            "sid": claims.session_id,
        }
        if claims.generation is None:
            key_id = long_lived_id(self._long_lived_key_set.signing())
        else:
            payload["gen"] = claims.generation
            if claims.of_extensions:
                payload["x"] = claims.of_extensions
            if claims.of_app:
                payload["app"] = claims.of_app
            key_id = self._key_set.signing().id
        return self._current_keys().by_id[key_id].sign(payload)

    def verify(self, token: str, now: datetime) -> TokenClaims:
        if len(token) > MAX_TOKEN_LENGTH or not _TOKEN_PATTERN.fullmatch(token):
            raise InvalidToken("The access token is malformed.")
        keys = self._current_keys()
        digest = hashlib.sha256(token.encode()).digest()
        claims = keys.verified_tokens.get(digest)
        if claims is None:
            claims = keys.verified_tokens[digest] = self._decode(token, keys)
        if now >= claims.expires_at:
            raise InvalidToken("The access token is expired.")
        return claims

    def list_published(self) -> Sequence[PublicKey]:
        return self._current_keys().list_published

    def _current_keys(self) -> TokenKeys:
        published, long_lived = self._key_set.accepted(), self._long_lived_key_set.accepted()
        if published is not self._keys.published or long_lived is not self._keys.long_lived:
            self._keys = prepare_token_keys(published, long_lived)
        return self._keys

    def _decode(self, token: str, keys: TokenKeys) -> TokenClaims:
        try:
            key = _find_key(token, keys)
            decoded = jwt.decode(
                token,
                key.verification_key,
                algorithms=[key.algorithm],
                options=_OPTIONS,
                audience=self._audience,
                issuer=self._issuers.accepted_issuers,
            )
            claims = msgspec.convert(decoded, _Payload)
            return TokenClaims(
                claims.sub,
                claims.sid,
                datetime.fromtimestamp(claims.iat, UTC),
                datetime.fromtimestamp(claims.exp, UTC),
                claims.gen,
            )
        except _DECODE_ERRORS as error:
            raise InvalidToken("The access token is invalid.") from error


def _find_key(token: str, keys: TokenKeys) -> TokenKey:
    header = jwt.get_unverified_header(token)
    key_id = header.get("kid")
    key = keys.by_id.get(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise InvalidToken("The access token has an unknown key id.")
    if header != key.header:
        raise InvalidToken("The access token has another header than ours.")
    return key
