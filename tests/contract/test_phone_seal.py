from collections.abc import Callable

import pytest

from adapters.sealing import AesPhoneSeal
from application.ports.errors import StoreUnavailable
from application.ports.phone_seal import PhoneSeal
from tests.builders import a_phone
from tests.fakes.key_ring import FakeKeyRing
from tests.fakes.randomness import SeededRandomness
from tests.fakes.seal import FakeSeal

PHONE, OTHER = a_phone(1), a_phone(2)
MakeSeal = Callable[[bytes], PhoneSeal]


def fake(key: bytes) -> PhoneSeal:
    return FakeSeal(key)


def aes(key: bytes) -> PhoneSeal:
    return AesPhoneSeal(key * 32, FakeKeyRing(("0000000a", key * 32)), SeededRandomness())


@pytest.fixture(params=[fake, aes], ids=lambda make: make.__name__)
def make_seal(request: pytest.FixtureRequest) -> MakeSeal:
    """Makes a seal from a byte that stands for its keys."""
    made: MakeSeal = request.param
    return made


@pytest.fixture
def seal(make_seal: MakeSeal) -> PhoneSeal:
    return make_seal(b"k")


def test_what_was_sealed_opens(seal: PhoneSeal) -> None:
    assert seal.open(seal.seal(PHONE, "a record"), "a record") == PHONE


def test_another_instance_with_the_same_keys_opens_it_as_well(make_seal: MakeSeal) -> None:
    sealed = make_seal(b"k").seal(PHONE, "a record")

    assert make_seal(b"k").open(sealed, "a record") == PHONE


def test_sealed_twice_it_is_different_bytes(seal: PhoneSeal) -> None:
    assert len({seal.seal(PHONE, "a record") for _ in range(100)}) == 100


def test_neither_the_seal_nor_the_index_tells_the_number(seal: PhoneSeal) -> None:
    digits = PHONE.e164.removeprefix("+")

    assert digits.encode() not in seal.seal(PHONE, "a record")
    assert digits not in seal.index(PHONE)


def test_what_was_sealed_for_one_record_does_not_open_for_another(seal: PhoneSeal) -> None:
    with pytest.raises(StoreUnavailable):
        seal.open(seal.seal(PHONE, "a record"), "another record")


def test_what_was_sealed_with_other_keys_does_not_open(make_seal: MakeSeal) -> None:
    sealed = make_seal(b"x").seal(PHONE, "a record")

    with pytest.raises(StoreUnavailable):
        make_seal(b"k").open(sealed, "a record")


def test_a_seal_with_any_bit_changed_does_not_open(seal: PhoneSeal) -> None:
    sealed = seal.seal(PHONE, "a record")

    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(StoreUnavailable):
            seal.open(bytes(changed), "a record")


def test_a_seal_that_was_cut_short_does_not_open(seal: PhoneSeal) -> None:
    sealed = seal.seal(PHONE, "a record")

    for length in range(len(sealed)):
        with pytest.raises(StoreUnavailable):
            seal.open(sealed[:length], "a record")


def test_the_index_of_a_phone_is_always_the_same(make_seal: MakeSeal) -> None:
    assert make_seal(b"k").index(PHONE) == make_seal(b"k").index(PHONE)


def test_two_phones_have_two_indexes(seal: PhoneSeal) -> None:
    assert seal.index(PHONE) != seal.index(OTHER)


def test_the_index_is_another_under_another_key(make_seal: MakeSeal) -> None:
    assert make_seal(b"k").index(PHONE) != make_seal(b"x").index(PHONE)


def test_the_fingerprint_names_the_key(make_seal: MakeSeal) -> None:
    assert make_seal(b"k").fingerprint() == make_seal(b"k").fingerprint()
    assert make_seal(b"k").fingerprint() != make_seal(b"x").fingerprint()
