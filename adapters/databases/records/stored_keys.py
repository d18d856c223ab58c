"""Which keys a database needs, without having them."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from adapters.databases.records.kinds import IDENTITIES, PHONE_VERIFICATIONS

PREFIX_BYTES: Final = 9
"""First bytes of a ciphertext, which have its format and the id of its key."""
KINDS_WITH_PHONE: Final = (IDENTITIES, PHONE_VERIFICATIONS)


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """The keys that a database needs.

    Attributes:
        ciphertexts: How many ciphertexts there are, by their first bytes.
    """

    key_fingerprint: str
    ciphertexts: Counter[bytes]
