import secrets


class SystemRandomness:
    """The kernel's generator (OWASP ASVS 5.0 6.5.3, 11.5.1)."""

    def bytes(self, count: int) -> bytes:
        """Give so many bytes that nobody can foresee."""
        return secrets.token_bytes(count)
