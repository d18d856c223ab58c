"""The keys as the service holds them."""

from dataclasses import dataclass, field
from datetime import datetime

from application.ports.errors import NotUsable


class SecretsNotUsable(NotUsable):
    """The secrets file cannot be used: one sentence why, and the way out. Never a key."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One key; its repr hides it. Of a signing key the bytes are its PEM."""

    id: str
    not_before: datetime
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """All keys of the service: in each tuple the current one first, older ones after."""

    peppers: tuple[Secret, ...]
    index_key: Secret
    seal_keys: tuple[Secret, ...]
    signing_keys: tuple[Secret, ...]

    def __repr__(self) -> str:
        return "Secrets(hidden)"
