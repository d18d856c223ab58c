from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Key:
    """One key; its repr hides it. Of a key that signs tokens the bytes are its PEM."""

    id: str
    not_before: datetime
    key: bytes = field(repr=False)


class KeyRing(Protocol):
    """Keys of one kind, which change while the service runs.

    Whoever needs keys asks anew each time. Adapters that sign, derive or seal use it, no use
    case does.
    """

    def signing(self) -> Key:
        """Give the key for what is made now: the newest whose time has come, else the oldest."""
        ...

    def accepted(self) -> Sequence[Key]:
        """Give every key that counts, newest first; the same object as long as none changes."""
        ...
