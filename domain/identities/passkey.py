"""The passkeys of an identity: what is stored of a WebAuthn credential."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from domain.errors import ConflictingValue

MAX_PASSKEYS: Final = 10
_ID_LENGTH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A public key, whose private key is in an authenticator of its owner.

    Attributes:
        credential_id: What the authenticator calls it.
        sign_count: How often the authenticator says that it was used; 0 where it does not count.
        name: What its owner calls it. No two of an identity have the same name.
        is_staff: Whether it opens the console: a link or another such passkey added it. A code is
            enough to add a passkey of the app, so none of these has a right of a role.
        rp_id: The host name of the console that it is for; empty for a passkey of the app.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    last_used_at: datetime | None = None
    is_staff: bool = False
    rp_id: str = ""

    @property
    def id(self) -> str:
        """A short id for people: 16 hex digits."""
        return sha256(self.credential_id).hexdigest()[:_ID_LENGTH]

    def accepts_count(self, sign_count: int) -> bool:
        """Return whether a use with this count is one of the authenticator that was added.

        A count that does not rise is that of a copy (WebAuthn §6.1.1), unless none is kept.
        """
        return sign_count > self.sign_count or sign_count == self.sign_count == 0

    def use(self, sign_count: int, now: datetime) -> "Passkey":
        return replace(self, sign_count=sign_count, last_used_at=now)


def find_passkey(passkeys: Sequence[Passkey], passkey_id: str) -> Passkey | None:
    """Return the passkey with this id; None without one."""
    return next((passkey for passkey in passkeys if passkey.id == passkey_id), None)


def check_passkey_name(passkeys: Sequence[Passkey], name: str) -> None:
    """Check that no passkey has this name; raises ConflictingValue."""
    if any(passkey.name == name for passkey in passkeys):
        raise ConflictingValue("Another passkey has this name. Choose a different one.")
