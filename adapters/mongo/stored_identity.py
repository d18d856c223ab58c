"""An identity as a document: the phone sealed."""

from dataclasses import dataclass, replace
from typing import Final

from adapters.mongo.driver import Raw
from adapters.mongo.stored import Stored
from application.ports.phone_encryption import PhoneEncryption
from application.ports.versioned import Versioned
from domain.identities.identity import Identity

IDENTITY: Final = Stored(Identity)


@dataclass(frozen=True, slots=True)
class StoredIdentities:
    """Between identities and their documents."""

    seal: PhoneEncryption

    def document(self, identity: Identity, version: int) -> Raw:
        """Give the document of the identity."""
        phone = identity.phone
        document = IDENTITY.document(
            replace(identity, phone=None), version, username_key=identity.username_key
        )
        if phone is not None:
            document["phone"] = self.seal.encrypt(phone, identity.id)
        return document

    def versioned(self, document: Raw) -> Versioned[Identity]:
        """Give the identity of a document.

        Raises:
            StorageUnavailable: it cannot be read, or was sealed with a key that is not here.
        """
        found = IDENTITY.versioned({**document, "phone": None})
        if "phone" not in document:
            return found
        phone = self.seal.decrypt(document["phone"], found.value.id)
        return Versioned(replace(found.value, phone=phone), found.version)
