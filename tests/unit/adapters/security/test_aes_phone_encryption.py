"""Format and keys of encrypted phone numbers."""

from typing import Final

import pytest

from adapters.security.encryption import AesPhoneEncryption
from application.ports.errors import CorruptRecord
from tests.support.builders import a_phone
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing

PHONE: Final = a_phone()
INDEX_KEY: Final = b"i" * 32
OLD, CURRENT = ("0000000a", b"a" * 32), ("0000000b", b"b" * 32)


def phone_encryption(*encryption_keys: tuple[str, bytes]) -> AesPhoneEncryption:
    return AesPhoneEncryption(INDEX_KEY, FakeKeyRing(*encryption_keys), SeededRandomness())


def test_a_former_key_decrypts_until_it_is_removed() -> None:
    stored = phone_encryption(OLD).encrypt(PHONE, "a record")
    both = phone_encryption(CURRENT, OLD)

    assert both.decrypt(stored, "a record") == PHONE
    with pytest.raises(CorruptRecord, match="0000000a, is missing: add it"):
        phone_encryption(CURRENT).decrypt(stored, "a record")
    assert both.key_fingerprint() == phone_encryption(OLD).key_fingerprint()


def test_a_ciphertext_of_a_former_key_is_replaced() -> None:
    stored = phone_encryption(OLD).encrypt(PHONE, "a record")

    encrypted = phone_encryption(CURRENT, OLD).reencrypt(stored, "a record")

    assert encrypted[:9] == b"\x010000000b"
    # Version, key id, nonce, text and tag.
    assert len(encrypted) == 1 + 8 + 12 + len(PHONE.e164) + 16
    assert phone_encryption(CURRENT).decrypt(encrypted, "a record") == PHONE
