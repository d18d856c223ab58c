"""Vonage's signatures of webhooks.

https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks
"""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt

from application.ports.webhooks import MAX_SIGNATURE_AGE, SignatureCoverage, SignedRequest

_SCHEME: Final = "bearer"
_CLAIMS: Final = ("iat", "jti", "payload_hash", "application_id")
_MAX_AGE: Final = int(MAX_SIGNATURE_AGE.total_seconds())


class VonageSignatures:
    """Verify that Vonage sent a request, for our application.

    The header Authorization has a JWT that is signed with the signature secret of the account. The
    package `vonage-jwt` verifies its signature only, which leaves open for which body it is.

    - The algorithm is always HS256, whatever the token's header says (RFC 8725 §3.1).
    - `payload_hash` is the SHA-256 of this body, `application_id` is ours, and `iat` is at most
      `MAX_SIGNATURE_AGE` from now. `api_key` names the account whose secret this is: the signature
      says it already, and an application belongs to one account.
    - The URL is not signed: what a status is about is in its body.
    - No record is kept of each `jti`. A request that comes again within these minutes has the same
      body, so it reports the same of the same message: a status only advances, and the end of a
      delivery counts once.
    """

    signature_coverage: Final = SignatureCoverage(url=False)

    def __init__(self, application_id: str, secrets: Sequence[str]) -> None:
        """Accept all secrets while one is replaced; an empty one signs nothing."""
        self._application_id = application_id
        self._secrets = [secret for secret in secrets if secret]

    def verify(self, request: SignedRequest) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != _SCHEME:
            return False
        # All are tried, so that the time does not depend on which one is right.
        verified = [self._read_claims(token, secret) for secret in self._secrets]
        return any(self._are_of(claims, request.body) for claims in verified)

    def _read_claims(self, token: str, secret: str) -> Mapping[str, Any]:
        options: Any = {"require": [*_CLAIMS], "verify_iat": False, "verify_aud": False}
        try:
            return jwt.decode(token, secret, algorithms=["HS256"], options=options)
        # ValueError: text that cannot be encoded. RecursionError: JSON that is nested too deep.
        except (jwt.PyJWTError, ValueError, RecursionError):
            return {}

    def _are_of(self, claims: Mapping[str, Any], body: bytes) -> bool:
        if not claims:
            return False
        issued_at, jti, payload_hash, application_id = (claims[name] for name in _CLAIMS)
        if not isinstance(issued_at, int | float) or not isinstance(payload_hash, str):
            return False
        expected = hashlib.sha256(body).hexdigest()
        now = int(time.time())
        return (
            hmac.compare_digest(payload_hash.lower().encode(errors="replace"), expected.encode())
            and now - _MAX_AGE <= issued_at <= now + _MAX_AGE
            and application_id == self._application_id
            and bool(jti)
        )
