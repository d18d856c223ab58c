import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.types import Options

from application.ports.access_tokens import TokenClaims
from application.ports.errors import TokenNotGenuine

LONGEST_TOKEN: Final = 2048
_ALGORITHM: Final = "ES256"
_TYPE: Final = "at+jwt"
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

    def __init__(self, keys: Sequence[tuple[str, bytes]], *, issuer: str, audience: str) -> None:
        """Take P-256 private keys in PEM, by id: the first signs, all of them verify."""
        private = [(key_id, _private_key(pem)) for key_id, pem in keys]
        self._signing_id, self._signing_key = private[0]
        self._public_keys = {key_id: key.public_key() for key_id, key in private}
        self._keys_by_header = {_header(key_id, key): key.public_key() for key_id, key in private}
        self._issuer = issuer
        self._audience = audience

    def issue(self, claims: TokenClaims) -> str:
        """Sign the claims with the current key; their times are whole seconds (RFC 7519 §2)."""
        payload = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": int(claims.issued.timestamp()),
            "exp": int(claims.expires.timestamp()),
            "sub": claims.identity_id,
            "sid": claims.session_id,
        }
        return _encoded(payload, self._signing_id, self._signing_key)

    def read(self, token: str, now: datetime) -> TokenClaims:
        """Give the claims of a token that one of our keys signed and whose time is not over.

        Raises:
            TokenNotGenuine
        """
        if len(token) > LONGEST_TOKEN or not _SHAPE.fullmatch(token):
            raise TokenNotGenuine("This is not an access token.")
        try:
            claims = _claims(self._payload(token))
        except (jwt.PyJWTError, ValueError, OverflowError, OSError) as error:
            raise TokenNotGenuine("This is not an access token of ours.") from error
        if now >= claims.expires:
            raise TokenNotGenuine("The time of this access token is over.")
        return claims

    def _payload(self, token: str) -> dict[str, Any]:
        # A header as we write it needs no reading.
        key = self._keys_by_header.get(token.partition(".")[0]) or self._key_named_in(token)
        return jwt.decode(
            token,
            key,
            [_ALGORITHM],
            _OPTIONS,
            issuer=self._issuer,
            audience=self._audience,
        )

    def _key_named_in(self, token: str) -> EllipticCurvePublicKey:
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        if header != {"alg": _ALGORITHM, "kid": key_id, "typ": _TYPE}:
            raise TokenNotGenuine("The header of this token is not of ours.")
        key = self._public_keys.get(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenNotGenuine("No key of ours has this token's key id.")
        return key


def _encoded(payload: dict[str, Any], key_id: str, key: EllipticCurvePrivateKey) -> str:
    return jwt.encode(payload, key, _ALGORITHM, {"kid": key_id, "typ": _TYPE})


def _header(key_id: str, key: EllipticCurvePrivateKey) -> str:
    return _encoded({}, key_id, key).partition(".")[0]


def _claims(payload: dict[str, Any]) -> TokenClaims:
    identity_id, session_id = payload["sub"], payload["sid"]
    issued, expires = payload["iat"], payload["exp"]
    # By type, since True is an int as well.
    if type(issued) is not int or type(expires) is not int:
        raise TokenNotGenuine("The times of this token are not whole seconds.")
    if not (isinstance(identity_id, str) and isinstance(session_id, str)):
        raise TokenNotGenuine("This token names nobody.")
    return TokenClaims(
        identity_id,
        session_id,
        datetime.fromtimestamp(issued, UTC),
        datetime.fromtimestamp(expires, UTC),
    )


def _private_key(pem: bytes) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("A signing key is a private key on the curve P-256, in PEM.")
    return key
