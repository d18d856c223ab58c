"""The signature of what Acme posts: of the time, the URL and the body."""

import hmac


def sign_callback(secret: str, timestamp: str, url: str, body: bytes) -> str:
    """Return the signature of a request."""
    signed = b"\n".join([timestamp.encode(), url.encode(), body])
    return hmac.digest(secret.encode(), signed, "sha256").hex()
