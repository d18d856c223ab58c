"""A browser with a software authenticator, which makes and uses passkeys as WebAuthn says.

https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_HAS_CREDENTIAL: Final = 0x40
_NO_AAGUID: Final = bytes(16)


@dataclass
class SoftwareAuthenticator:
    """A device with at most one passkey. Options and responses are JSON.

    Attributes:
        origin: Of the page that the browser shows.
        verifies_user: Whether it asks for the fingerprint or PIN.
        is_framed: Whether another site has the page in a frame.
        sign_count: How often it was used: each response has the next number, and a copy of the
            device would have an older one.
    """

    origin: str
    verifies_user: bool = True
    is_framed: bool = False
    sign_count: int = 0
    credential_id: bytes = bytes(range(16))
    user_handle: bytes = b""
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def create(self, options_json: str) -> str:
        """Make a passkey, as `navigator.credentials.create` does; return the response."""
        options = json.loads(options_json)
        self.user_handle = _decode(options["user"]["id"])
        point = self.key.public_key().public_numbers()
        cose_key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        credential = (
            _NO_AAGUID
            + len(self.credential_id).to_bytes(2)
            + self.credential_id
            + encode_cbor(cose_key)
        )
        data = self._authenticator_data(options["rp"]["id"], _HAS_CREDENTIAL) + credential
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._respond(
            clientDataJSON=self._client_data("webauthn.create", options),
            attestationObject=encode_cbor(attestation),
        )

    def get(self, options_json: str) -> str:
        """Use the passkey, as `navigator.credentials.get` does; return the response."""
        options = json.loads(options_json)
        client_data = self._client_data("webauthn.get", options)
        data = self._authenticator_data(options["rpId"])
        signature = self.key.sign(data + sha256(client_data).digest(), ECDSA(SHA256()))
        return self._respond(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=signature,
            userHandle=self.user_handle,
        )

    def _client_data(self, kind: str, options: Any) -> bytes:
        data = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(data | {"crossOrigin": self.is_framed}).encode()

    def _authenticator_data(self, rp_id: str, flags: int = 0) -> bytes:
        self.sign_count += 1
        flags |= _USER_PRESENT | (_USER_VERIFIED if self.verifies_user else 0)
        return sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4)

    def _respond(self, **response: bytes) -> str:
        credential_id = _encode(self.credential_id)
        encoded = {name: _encode(value) for name, value in response.items()}
        return json.dumps(
            {
                "id": credential_id,
                "rawId": credential_id,
                "type": "public-key",
                "response": encoded,
            }
        )


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
