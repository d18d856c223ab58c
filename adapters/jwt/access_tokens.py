"""Issuing and verifying access tokens."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from jwt.types import Options

from adapters.jwt.keys import (
    ALGORITHM,
    HEADER_TYPE,
    CurrentSigningKey,
    VerificationKeys,
    derive_long_lived_key,
    parse_signing_key,
    prepare_verification_keys,
)
from application.ports.errors import InvalidToken
from application.ports.keys import KeyRing, PublicKey, TokenClaims

MAX_TOKEN_LENGTH: Final = 2048
# Three parts in base64url without padding; an ES256 signature has 64 bytes.
_TOKEN_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
_DECODE_OPTIONS: Final[Options] = {
    "require": ["iss", "aud", "exp", "iat", "sub", "sid"],
    "strict_aud": True,
    # PyJWT would use the system clock. `read` checks the expiry with the caller's time.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class JwtAccessTokens:
    """Access tokens signed with ES256, according to RFC 8725.

    - One algorithm, independent of the token's header (§3.1).
    - Issuer, subject and audience are checked (§3.8, §3.9).
    - Explicit type `at+jwt` of RFC 9068 (§3.11).
    - Headers with other members (`jku`, `jwk`, `crit`, `b64`, …) are rejected (§3.10).
    - Long-lived tokens, which have no refresh tokens, are signed with a key that is not published:
      a verifier that does not ask the service would accept them after a logout, for months.
    - Each signature is verified once; the claims are cached until the keys change.
    """

    def __init__(
        self, key_set: KeyRing, long_lived_key_set: KeyRing, *, issuer: str, audience: str
    ) -> None:
        """Use the P-256 private keys (PEM) of the first set, and derive keys from the second.

        Raises:
            ValueError: a key is not on the curve P-256.
        """
        self._key_set = key_set
        self._long_lived_key_set = long_lived_key_set
        self._verification_keys = prepare_verification_keys(
            key_set.accepted(), long_lived_key_set.accepted()
        )
        self._signing_key = CurrentSigningKey(key_set, parse_signing_key)
        self._long_lived_key = CurrentSigningKey(long_lived_key_set, derive_long_lived_key)
        self._issuer = issuer
        self._audience = audience

    def issue(self, claims: TokenClaims) -> str:
        """Sign the claims with the current key; times are whole seconds (RFC 7519 §2)."""
        payload: dict[str, str | int] = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "sub": claims.identity_id,
            "sid": claims.session_id,
        }
        if claims.generation is None:
            return self._long_lived_key.sign(payload)
        payload["gen"] = claims.generation
        return self._signing_key.sign(payload)

    def verify(self, token: str, now: datetime) -> TokenClaims:
        """Return the claims of a token that is signed with an accepted key and not expired.

        Raises:
            InvalidToken: the token is malformed, not ours, or expired.
        """
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise InvalidToken("The access token is malformed.")
        keys = self._get_verification_keys()
        claims = keys.verified_tokens.get(token)
        if claims is None:
            claims = self._verify(token, keys)
            keys.verified_tokens.put(token, claims)
        if now >= claims.expires_at:
            raise InvalidToken("The access token is expired.")
        return claims

    def list_published(self) -> Sequence[PublicKey]:
        """Return the public keys of all accepted keys of short-lived tokens, newest first."""
        return self._get_verification_keys().list_published

    def _get_verification_keys(self) -> VerificationKeys:
        published, long_lived = self._key_set.accepted(), self._long_lived_key_set.accepted()
        current = self._verification_keys
        if published is not current.published or long_lived is not current.long_lived:
            self._verification_keys = prepare_verification_keys(published, long_lived)
        return self._verification_keys

    def _verify(self, token: str, keys: VerificationKeys) -> TokenClaims:
        if not _TOKEN_PATTERN.fullmatch(token):
            raise InvalidToken("The access token is malformed.")
        try:
            # A header that is identical to ours does not have to be parsed.
            key = keys.by_header.get(token.partition(".")[0]) or _find_key(token, keys)
            payload = jwt.decode(
                token,
                key,
                [ALGORITHM],
                _DECODE_OPTIONS,
                issuer=self._issuer,
                audience=self._audience,
            )
            return _parse_claims(payload)
        except (jwt.PyJWTError, ValueError, OverflowError, OSError) as error:
            raise InvalidToken("The access token is invalid.") from error


def _find_key(token: str, keys: VerificationKeys) -> EllipticCurvePublicKey:
    header = jwt.get_unverified_header(token)
    key_id = header.get("kid")
    if header != {"alg": ALGORITHM, "kid": key_id, "typ": HEADER_TYPE}:
        raise InvalidToken("The access token has another header than ours.")
    key = keys.by_id.get(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise InvalidToken("The access token has an unknown key id.")
    return key


def _parse_claims(payload: dict[str, Any]) -> TokenClaims:
    identity_id, session_id = payload["sub"], payload["sid"]
    issued, expires = payload["iat"], payload["exp"]
    # Not isinstance, because bool is a subclass of int.
    if type(issued) is not int or type(expires) is not int:
        raise InvalidToken("The times of the access token are not whole seconds.")
    if not (isinstance(identity_id, str) and isinstance(session_id, str)):
        raise InvalidToken("The access token has no identity or session id.")
    generation = payload.get("gen")
    if generation is not None and type(generation) is not int:
        raise InvalidToken("The generation of the access token is not a whole number.")
    return TokenClaims(
        identity_id,
        session_id,
        datetime.fromtimestamp(issued, UTC),
        datetime.fromtimestamp(expires, UTC),
        generation,
    )
