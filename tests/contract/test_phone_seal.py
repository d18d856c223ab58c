from collections.abc import Callable

import pytest

from adapters.sealing import AesPhoneSeal
from application.ports.errors import StorageUnavailable
from application.ports.phone_encryption import PhoneEncryption
from tests.support.builders import a_phone
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.fakes.randomness import SeededRandomness
from tests.support.fakes.seal import FakeSeal

PHONE, OTHER = a_phone(1), a_phone(2)
MakeSeal = Callable[[bytes], PhoneEncryption]


def fake(key: bytes) -> PhoneEncryption:
    return FakeSeal(key)


def aes(key: bytes) -> PhoneEncryption:
    return AesPhoneSeal(key * 32, FakeKeyRing(("0000000a", key * 32)), SeededRandomness())


@pytest.fixture(params=[fake, aes], ids=lambda make: make.__name__)
def make_seal(request: pytest.FixtureRequest) -> MakeSeal:
    """Makes a seal from a byte that stands for its keys."""
    made: MakeSeal = request.param
    return made


@pytest.fixture
def seal(make_seal: MakeSeal) -> PhoneEncryption:
    return make_seal(b"k")


def test_what_was_sealed_opens(seal: PhoneEncryption) -> None:
    assert seal.decrypt(seal.encrypt(PHONE, "a record"), "a record") == PHONE


def test_another_instance_with_the_same_keys_opens_it_as_well(make_seal: MakeSeal) -> None:
    sealed = make_seal(b"k").encrypt(PHONE, "a record")

    assert make_seal(b"k").decrypt(sealed, "a record") == PHONE


def test_sealed_twice_it_is_different_bytes(seal: PhoneEncryption) -> None:
    assert len({seal.encrypt(PHONE, "a record") for _ in range(100)}) == 100


def test_neither_the_seal_nor_the_index_tells_the_number(seal: PhoneEncryption) -> None:
    digits = PHONE.e164.removeprefix("+")

    assert digits.encode() not in seal.encrypt(PHONE, "a record")
    assert digits not in seal.blind_index(PHONE)


def test_what_was_sealed_for_one_record_does_not_open_for_another(seal: PhoneEncryption) -> None:
    with pytest.raises(StorageUnavailable):
        seal.decrypt(seal.encrypt(PHONE, "a record"), "another record")


def test_what_was_sealed_with_other_keys_does_not_open(make_seal: MakeSeal) -> None:
    sealed = make_seal(b"x").encrypt(PHONE, "a record")

    with pytest.raises(StorageUnavailable):
        make_seal(b"k").decrypt(sealed, "a record")


def test_a_seal_with_any_bit_changed_does_not_open(seal: PhoneEncryption) -> None:
    sealed = seal.encrypt(PHONE, "a record")

    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(StorageUnavailable):
            seal.decrypt(bytes(changed), "a record")


def test_a_seal_that_was_cut_short_does_not_open(seal: PhoneEncryption) -> None:
    sealed = seal.encrypt(PHONE, "a record")

    for length in range(len(sealed)):
        with pytest.raises(StorageUnavailable):
            seal.decrypt(sealed[:length], "a record")


def test_the_index_of_a_phone_is_always_the_same(make_seal: MakeSeal) -> None:
    assert make_seal(b"k").blind_index(PHONE) == make_seal(b"k").blind_index(PHONE)


def test_two_phones_have_two_indexes(seal: PhoneEncryption) -> None:
    assert seal.blind_index(PHONE) != seal.blind_index(OTHER)


def test_the_index_is_another_under_another_key(make_seal: MakeSeal) -> None:
    assert make_seal(b"k").blind_index(PHONE) != make_seal(b"x").blind_index(PHONE)


def test_the_fingerprint_names_the_key(make_seal: MakeSeal) -> None:
    assert make_seal(b"k").key_fingerprint() == make_seal(b"k").key_fingerprint()
    assert make_seal(b"k").key_fingerprint() != make_seal(b"x").key_fingerprint()
