from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key that signs access tokens: a point on P-256, 32 bytes each."""

    id: str
    x: bytes
    y: bytes


class PublicKeys(Protocol):
    """What others need in order to check our access tokens by themselves."""

    def list_published(self) -> Sequence[PublicKey]:
        """Give every key that is accepted, newest first, also one that does not sign yet."""
        ...
