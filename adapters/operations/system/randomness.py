"""The randomness of the operating system."""

import os


class SystemRandomness:
    """The generator of the kernel (OWASP ASVS 5.0 6.5.3, 11.5.1)."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)
