import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from jwt.types import Options

from adapters.jwt.verifying_keys import (
    ALGORITHM,
    TYPE,
    VerifyingKeys,
    encoded,
    private_key,
    verifying_keys,
)
from application.ports.access_tokens import TokenClaims
from application.ports.errors import InvalidToken
from application.ports.key_ring import KeyRing
from application.ports.public_keys import PublicKey

LONGEST_TOKEN: Final = 2048
# Three parts in base64url without padding; an ES256 signature is 64 bytes.
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
_OPTIONS: Final[Options] = {
    "require": ["iss", "aud", "exp", "iat", "sub", "sid"],
    "strict_aud": True,
    # These would ask the machine's clock; the time that counts comes with the call.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class JwtAccessTokens:
    """Tokens signed with ES256 and nothing else, each naming its key.

    As RFC 8725 has it: one algorithm, whatever a header says (§3.1), issuer, subject and
    audience checked (§3.8, §3.9), and an explicit type, that of RFC 9068 (§3.11). A header
    with anything more in it (`jku`, `jwk`, `crit`, `b64`, …) is not ours (§3.10).
    """

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str) -> None:
        """Take P-256 private keys in PEM; raises ValueError when one is another."""
        self._ring = ring
        self._known = verifying_keys(ring.accepted())
        self._signer_of = ring.signing()
        self._signer = private_key(self._signer_of)
        self._issuer = issuer
        self._audience = audience

    def issue(self, claims: TokenClaims) -> str:
        """Sign the claims with the current key; their times are whole seconds (RFC 7519 §2)."""
        payload = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "sub": claims.identity_id,
            "sid": claims.session_id,
        }
        key = self._ring.signing()
        if key != self._signer_of:
            self._signer_of, self._signer = key, private_key(key)
        return encoded(payload, key.id, self._signer)

    def verify(self, token: str, now: datetime) -> TokenClaims:
        """Give the claims of a token that one of our keys signed and whose time is not over.

        Raises:
            InvalidToken
        """
        if len(token) > LONGEST_TOKEN or not _SHAPE.fullmatch(token):
            raise InvalidToken("This is not an access token.")
        keys = self._keys()
        claims = keys.verified.claims(token)
        if claims is None:
            claims = self._verified(token, keys)
            keys.verified.put(token, claims)
        if now >= claims.expires_at:
            raise InvalidToken("The time of this access token is over.")
        return claims

    def list_published(self) -> Sequence[PublicKey]:
        """Give every key that is accepted, newest first, also one that does not sign yet."""
        return self._keys().list_published

    def _keys(self) -> VerifyingKeys:
        accepted = self._ring.accepted()
        if accepted is not self._known.keys:
            self._known = verifying_keys(accepted)
        return self._known

    def _verified(self, token: str, keys: VerifyingKeys) -> TokenClaims:
        try:
            # A header as we write it needs no reading.
            key = keys.by_header.get(token.partition(".")[0]) or _key_named_in(token, keys)
            payload = jwt.decode(
                token,
                key,
                [ALGORITHM],
                _OPTIONS,
                issuer=self._issuer,
                audience=self._audience,
            )
            return _claims(payload)
        except (jwt.PyJWTError, ValueError, OverflowError, OSError) as error:
            raise InvalidToken("This is not an access token of ours.") from error


def _key_named_in(token: str, keys: VerifyingKeys) -> EllipticCurvePublicKey:
    header = jwt.get_unverified_header(token)
    key_id = header.get("kid")
    if header != {"alg": ALGORITHM, "kid": key_id, "typ": TYPE}:
        raise InvalidToken("The header of this token is not of ours.")
    key = keys.by_id.get(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise InvalidToken("No key of ours has this token's key id.")
    return key


def _claims(payload: dict[str, Any]) -> TokenClaims:
    identity_id, session_id = payload["sub"], payload["sid"]
    issued, expires = payload["iat"], payload["exp"]
    # By type, since True is an int as well.
    if type(issued) is not int or type(expires) is not int:
        raise InvalidToken("The times of this token are not whole seconds.")
    if not (isinstance(identity_id, str) and isinstance(session_id, str)):
        raise InvalidToken("This token names nobody.")
    return TokenClaims(
        identity_id,
        session_id,
        datetime.fromtimestamp(issued, UTC),
        datetime.fromtimestamp(expires, UTC),
    )
