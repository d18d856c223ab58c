"""An identity as a row: the phone sealed, all else in the body."""

from dataclasses import dataclass, replace
from typing import Final

from adapters.sqlite.body import Body, micros_or_none
from adapters.sqlite.database import Row
from application.ports.phone_encryption import PhoneEncryption
from application.ports.versioned import Versioned
from domain.identities.identity import Identity

_BODY: Final = Body(Identity)


@dataclass(frozen=True, slots=True)
class IdentityRows:
    """Between identities and their rows."""

    seal: PhoneEncryption

    def write(self, identity: Identity) -> dict[str, object]:
        """Give the columns of the identity, but for its version."""
        phone = identity.phone
        return {
            "id": identity.id,
            "username_key": identity.username_key,
            "deleted": micros_or_none(identity.deleted_at),
            "swept": identity.purged_at is not None,
            "phone": None if phone is None else self.seal.encrypt(phone, identity.id),
            "body": _BODY.write(replace(identity, phone=None)),
        }

    def read(self, row: Row) -> Versioned[Identity]:
        """Give the identity of a row of `version, phone, body`.

        Raises:
            StorageUnavailable: it cannot be read, or was sealed with a key that is not here.
        """
        version, sealed, body = row
        identity = _BODY.read(body)
        if sealed is not None:
            identity = replace(identity, phone=self.seal.decrypt(sealed, identity.id))
        return Versioned(identity, version)
