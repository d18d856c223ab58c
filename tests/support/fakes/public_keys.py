from collections.abc import Sequence

from application.ports.keys import PublicKey


class FakePublicKeys:
    """One key that signs nothing."""

    def list_published(self) -> Sequence[PublicKey]:
        return [PublicKey("0000000a", bytes(32), bytes(range(32)))]
