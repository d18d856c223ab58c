"""The newest encryption key that was ever current, as the metadata of a database names it.

A secrets file without it is older than the database: it cannot read what was encrypted since, and
rotation gives the other lists new keys at the same time.
"""

from contextlib import suppress
from typing import Final, Protocol

from application.ports.errors import OtherKeys
from application.ports.keys import KeyRing

ENCRYPTION_KEY_ID: Final = "encryption_key_id"
"""The field of the metadata."""
_OLDER: Final = (
    "The keys are an older copy: they lack the key {key_id} of phone_encryption, which was in use"
    " with this database. Restore the newest secrets file, on each machine."
)


class StoredKeyId(Protocol):
    """The id in the metadata of a database."""

    async def read(self) -> str | None:
        """Return the id; None if no key was current yet.

        Raises:
            StorageError
        """
        ...

    async def replace(self, old: str | None, new: str, /) -> bool:
        """Replace this id, and return whether it was the stored one. It is durable.

        Raises:
            StorageError
        """
        ...


class EncryptionKeys(KeyRing, Protocol):
    """The keys that encrypt phones. A newer one is used when the database knows it."""

    def due(self) -> str:
        """Return the id of the key that is current by its time."""
        ...

    def require(self, key_id: str) -> None:
        """Keep this key, the newest that the database knows, and use none that is newer."""
        ...


def check_newest_key(key_id: str | None, keys: KeyRing) -> None:
    """Check that the keys are not older than a database.

    Raises:
        OtherKeys
    """
    if key_id is not None and key_id not in [key.id for key in keys.accepted()]:
        raise OtherKeys(_OLDER.format(key_id=key_id))


async def record_newest_key(stored: StoredKeyId | None, keys: EncryptionKeys) -> None:
    """Record the key that is current, before it encrypts, if it is newer than the stored one.

    A database whose adapter has no such field, None, compares nothing.

    Raises:
        OtherKeys: The keys are older than the database.
    """
    if stored is None:
        return
    while True:
        known, due = await stored.read(), keys.due()
        check_newest_key(known, keys)
        ids = [key.id for key in keys.accepted()]  # the newest first
        if known is not None and ids.index(known) <= ids.index(due):
            keys.require(known)
            return
        if await stored.replace(known, due):
            keys.require(due)
            return


async def record_newest_key_again(stored: StoredKeyId, keys: EncryptionKeys) -> None:
    """Do so while the keys are in use. Older ones stay in use, and say what is wrong."""
    known = await stored.read()
    if known is not None:
        keys.require(known)
    with suppress(OtherKeys):
        await record_newest_key(stored, keys)
