"""What somebody of the staff has, and a member has not."""

from dataclasses import dataclass, replace

from domain.identities.passkey import Passkey, find_passkey
from domain.identities.role import Role


@dataclass(frozen=True, slots=True)
class Staff:
    """The role of an identity, and the passkeys, which end with it."""

    role: Role = Role.MEMBER
    passkeys: tuple[Passkey, ...] = ()

    def promote(self, role: Role) -> "Staff":
        """Return somebody with this role. Only another role keeps the passkeys."""
        return Staff(role, self.passkeys if self.role.is_staff else ())

    def find_passkey(self, passkey_id: str) -> Passkey | None:
        return find_passkey(self.passkeys, passkey_id)

    def remove_passkeys(self, *ids: str) -> "Staff":
        kept = tuple(passkey for passkey in self.passkeys if passkey.id not in ids)
        return replace(self, passkeys=kept)
