from typing import Protocol

from domain.phone import PhoneNumber


class PhoneEncryption(Protocol):
    """Keeps phones unreadable at rest; the record adapters use it, no use case does."""

    def blind_index(self, phone: PhoneNumber) -> str:
        """Give the blind index of the phone: always the same, and useless without the key."""
        ...

    def encrypt(self, phone: PhoneNumber, record_id: str) -> bytes:
        """Encrypt the phone for this record; sealed twice it is different bytes."""
        ...

    def decrypt(self, ciphertext: bytes, record_id: str) -> PhoneNumber:
        """Decrypt what was sealed for this record.

        Raises:
            StorageUnavailable: it was sealed for another record, or with a key that is not here.
        """
        ...

    def key_fingerprint(self) -> str:
        """Name the index key without telling it: databases remember what they were written with."""
        ...
