"""The tokens that requests to Vonage have.

https://developer.vonage.com/en/getting-started/concepts/authentication#json-web-tokens
"""

import time
from typing import Final
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from application.ports.errors import ConfigurationError

TOKEN_TTL: Final = 300
"""Seconds. The clocks of both sides may differ by some of them."""
MIN_KEY_BITS: Final = 2048
"""RFC 7518 §3.3."""


class ApplicationTokens:
    """Signs the tokens of an application. Each request has a new one."""

    def __init__(self, application_id: str, private_key: str) -> None:
        """Take the id of the application and its key in PEM."""
        self._application_id = application_id
        self._key = load_private_key(private_key)

    def sign(self) -> str:
        issued_at = int(time.time())
        claims = {
            "application_id": self._application_id,
            "iat": issued_at,
            "exp": issued_at + TOKEN_TTL,
            "jti": str(uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm="RS256")


def load_private_key(text: str) -> RSAPrivateKey:
    """Load the private key of an application, in PEM.

    Raises:
        ConfigurationError: It cannot be used; the message has nothing of it.
    """
    try:
        key = load_pem_private_key(text.encode(), password=None)
    # TypeError: it has a password. ValueError: it is no PEM, or not UTF-8.
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "Must be the private key of the application, in PEM and without a password: the text "
            "of the file private.key that Vonage's dashboard generates."
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_KEY_BITS:
        raise ConfigurationError(
            f"Must be an RSA key of at least {MIN_KEY_BITS} bits: Vonage accepts RS256 only."
        )
    return key
