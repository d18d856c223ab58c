"""Issuing and verifying access tokens."""

import hashlib
import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import jwt
import msgspec

from adapters.security.jwt.keys import (
    LONG_LIVED_ALGORITHM,
    TokenKey,
    TokenKeys,
    long_lived_id,
    prepare_token_keys,
)
from application.ports.errors import InvalidToken
from application.ports.keys import KeyRing, PublicKey, TokenClaims
from domain.token_issuers import TokenIssuers

MAX_TOKEN_LENGTH: Final = 4096
# Three parts in base64url without padding. A signature of HS256 has 32 bytes, one of ES256 64: the
# last character of each has bits that are not used, and only zeros are accepted there. With (r, s)
# of ES256 also (r, n - s) is a valid signature. Both texts have the same claims, and nothing
# identifies a token by its text.
_TOKEN_PATTERN: Final = re.compile(
    r"(?P<content>(?P<header>[A-Za-z0-9_-]+)\.(?P<payload>[A-Za-z0-9_-]+))"
    r"\.(?P<signature>[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]|[A-Za-z0-9_-]{85}[AQgw])"
)


class _Payload(msgspec.Struct, gc=False):
    """The claims of a token as RFC 7519 names them. Unknown claims are ignored."""

    iss: str
    aud: str
    iat: int
    exp: int
    sub: str
    sid: str
    gen: int | None = None


_PAYLOAD_DECODER: Final = msgspec.json.Decoder(_Payload)
_DECODE_ERRORS: Final = (
    jwt.PyJWTError,  # the header
    ValueError,  # base64url or UTF-8
    msgspec.MsgspecError,  # the payload
    RecursionError,  # a payload that is nested too deep
    OverflowError,  # a time that no date has, or OSError and ValueError
    OSError,
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
    - Each ES256 signature is verified once; the claims are cached until the keys change. A MAC is
      verified as fast as a cache finds it.
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
        if len(token) > MAX_TOKEN_LENGTH or not (match := _TOKEN_PATTERN.fullmatch(token)):
            raise InvalidToken("The access token is malformed.")
        keys = self._current_keys()
        try:
            # A header that is identical to ours does not have to be parsed.
            key = keys.by_header.get(match["header"]) or _find_key(token, keys)
            if key.algorithm == LONG_LIVED_ALGORITHM:
                claims = self._verify(match, key)
            else:
                digest = hashlib.sha256(token.encode()).digest()
                if (verified := keys.verified_tokens.get(digest)) is None:
                    verified = keys.verified_tokens[digest] = self._verify(match, key)
                claims = verified
        except _DECODE_ERRORS as error:
            raise InvalidToken("The access token is invalid.") from error
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

    def _verify(self, token: re.Match[str], key: TokenKey) -> TokenClaims:
        if not key.verify(token["content"], _decode_segment(token["signature"])):
            raise InvalidToken("The access token has an invalid signature.")
        return self._parse_claims(_decode_segment(token["payload"]))

    def _parse_claims(self, payload: bytes) -> TokenClaims:
        # As text, because msgspec does not check the encoding of unknown claims.
        claims = _PAYLOAD_DECODER.decode(payload.decode())
        if not self._issuers.accepts(claims.iss) or claims.aud != self._audience:
            raise InvalidToken("The access token has another issuer or audience.")
        return TokenClaims(
            claims.sub,
            claims.sid,
            datetime.fromtimestamp(claims.iat, UTC),
            datetime.fromtimestamp(claims.exp, UTC),
            claims.gen,
        )


def _decode_segment(segment: str) -> bytes:
    """Decode base64url without padding (RFC 7515 §2); raises ValueError."""
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _find_key(token: str, keys: TokenKeys) -> TokenKey:
    header = jwt.get_unverified_header(token)
    key_id = header.get("kid")
    key = keys.by_id.get(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise InvalidToken("The access token has an unknown key id.")
    if header != key.header:
        raise InvalidToken("The access token has another header than ours.")
    return key
