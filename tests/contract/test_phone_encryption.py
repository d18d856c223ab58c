from collections.abc import Callable

import pytest

from adapters.encryption import AesPhoneEncryption
from application.ports.errors import StoreUnavailable
from application.ports.phone_seal import PhoneSeal
from tests.builders import a_phone
from tests.fakes.key_ring import FakeKeyRing
from tests.fakes.randomness import SeededRandomness
from tests.fakes.seal import FakeSeal

PHONE, OTHER_PHONE = a_phone(1), a_phone(2)
CreateWithKey = Callable[[bytes], PhoneSeal]


def fake(key: bytes) -> PhoneSeal:
    return FakeSeal(key)


def aes(key: bytes) -> PhoneSeal:
    return AesPhoneEncryption(key * 32, FakeKeyRing(("0000000a", key * 32)), SeededRandomness())


@pytest.fixture(params=[fake, aes], ids=lambda create: create.__name__)
def with_key(request: pytest.FixtureRequest) -> CreateWithKey:
    """Return a function that creates the adapter with keys made from one byte."""
    create: CreateWithKey = request.param
    return create


@pytest.fixture
def encryption(with_key: CreateWithKey) -> PhoneSeal:
    return with_key(b"k")


def test_an_encrypted_phone_number_is_decrypted(encryption: PhoneSeal) -> None:
    assert encryption.open(encryption.seal(PHONE, "a record"), "a record") == PHONE


def test_another_instance_with_the_same_keys_decrypts_it(with_key: CreateWithKey) -> None:
    encrypted = with_key(b"k").seal(PHONE, "a record")

    assert with_key(b"k").open(encrypted, "a record") == PHONE


def test_each_encryption_gives_other_bytes(encryption: PhoneSeal) -> None:
    assert len({encryption.seal(PHONE, "a record") for _ in range(100)}) == 100


def test_neither_ciphertext_nor_index_contains_the_number(encryption: PhoneSeal) -> None:
    digits = PHONE.e164.removeprefix("+")

    assert digits.encode() not in encryption.seal(PHONE, "a record")
    assert digits not in encryption.index(PHONE)


def test_a_ciphertext_of_another_record_is_rejected(encryption: PhoneSeal) -> None:
    with pytest.raises(StoreUnavailable):
        encryption.open(encryption.seal(PHONE, "a record"), "another record")


def test_a_ciphertext_of_other_keys_is_rejected(with_key: CreateWithKey) -> None:
    encrypted = with_key(b"x").seal(PHONE, "a record")

    with pytest.raises(StoreUnavailable):
        with_key(b"k").open(encrypted, "a record")


def test_a_ciphertext_with_any_bit_changed_is_rejected(encryption: PhoneSeal) -> None:
    encrypted = encryption.seal(PHONE, "a record")

    for position in range(len(encrypted)):
        changed = bytearray(encrypted)
        changed[position] ^= 1
        with pytest.raises(StoreUnavailable):
            encryption.open(bytes(changed), "a record")


def test_a_truncated_ciphertext_is_rejected(encryption: PhoneSeal) -> None:
    encrypted = encryption.seal(PHONE, "a record")

    for length in range(len(encrypted)):
        with pytest.raises(StoreUnavailable):
            encryption.open(encrypted[:length], "a record")


def test_the_index_of_a_phone_is_always_the_same(with_key: CreateWithKey) -> None:
    assert with_key(b"k").index(PHONE) == with_key(b"k").index(PHONE)


def test_two_phones_have_two_indexes(encryption: PhoneSeal) -> None:
    assert encryption.index(PHONE) != encryption.index(OTHER_PHONE)


def test_another_key_gives_another_index(with_key: CreateWithKey) -> None:
    assert with_key(b"k").index(PHONE) != with_key(b"x").index(PHONE)


def test_the_fingerprint_identifies_the_key(with_key: CreateWithKey) -> None:
    assert with_key(b"k").fingerprint() == with_key(b"k").fingerprint()
    assert with_key(b"k").fingerprint() != with_key(b"x").fingerprint()
