"""What somebody of the staff has, and a member has not."""

from dataclasses import dataclass, replace

from domain.errors import ConflictingValue
from domain.identities.passkey import Passkey
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
        return next((passkey for passkey in self.passkeys if passkey.id == passkey_id), None)

    def check_passkey_name(self, name: str) -> None:
        """Check that no passkey has this name; raises ConflictingValue."""
        if any(each.name == name for each in self.passkeys):
            raise ConflictingValue("Another passkey has this name. Choose a different one.")

    def add_passkey(self, passkey: Passkey) -> "Staff":
        """Add a passkey. Raises ConflictingValue if another one has its name."""
        self.check_passkey_name(passkey.name)
        return replace(self, passkeys=(*self.passkeys, passkey))

    def use_passkey(self, used: Passkey) -> "Staff":
        passkeys = tuple(used if each.id == used.id else each for each in self.passkeys)
        return replace(self, passkeys=passkeys)

    def remove_passkeys(self, *ids: str) -> "Staff":
        kept = tuple(passkey for passkey in self.passkeys if passkey.id not in ids)
        return replace(self, passkeys=kept)
