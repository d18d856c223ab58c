"""What is stored of a secret with enough random bits, which needs no slow hash."""

import hashlib


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret: 64 hex digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
