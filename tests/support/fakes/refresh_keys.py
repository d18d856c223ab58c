from collections.abc import Sequence


class FakeRefreshKeys:
    """Keys that a test sets. The first signs tokens; all of them are accepted."""

    def __init__(self, *keys: bytes) -> None:
        self.keys = list(keys or (b"r" * 32,))

    def signing(self) -> bytes:
        return self.keys[0]

    def accepted(self) -> Sequence[bytes]:
        return self.keys
