from collections.abc import Sequence


class FakeRefreshKeys:
    """Keys, newest first; the first signs."""

    def __init__(self, *keys: bytes) -> None:
        self.keys = keys or (bytes(32),)

    def signing(self) -> bytes:
        return self.keys[0]

    def accepted(self) -> Sequence[bytes]:
        return self.keys
