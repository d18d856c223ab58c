"""The keys as the service holds them."""

from dataclasses import dataclass

from application.ports.errors import ConfigurationError
from application.ports.key_ring import Key


class SecretsNotUsable(ConfigurationError):
    """The secrets file cannot be used: one sentence why, and the way out. Never a key."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """All keys of the service: each tuple newest first."""

    otp_keys: tuple[Key, ...]
    index_key: Key
    seal_keys: tuple[Key, ...]
    signing_keys: tuple[Key, ...]
    refresh_keys: tuple[Key, ...]

    def __repr__(self) -> str:
        return "Secrets(hidden)"
