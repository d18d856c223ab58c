from collections.abc import Sequence

from application.ports.keys import Key
from tests.support.builders import NOW


class FakeKeyRing:
    """Keys by id, newest first. The first one signs, or the one that `signs` names."""

    def __init__(self, *keys: tuple[str, bytes], signs: str | None = None) -> None:
        self.keys = tuple(Key(key_id, NOW, key) for key_id, key in keys)
        self.signs = signs or self.keys[0].id

    @classmethod
    def of_secret(cls) -> "FakeKeyRing":
        """Return one secret of 32 bytes."""
        return cls(("0000000f", bytes(range(32))))

    def signing(self) -> Key:
        return next(key for key in self.keys if key.id == self.signs)

    def accepted(self) -> Sequence[Key]:
        return self.keys
