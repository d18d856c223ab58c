"""Phones that are sealed and opened while seal keys come."""

from typing import Final

from adapters.sealing import AesPhoneSeal
from tests.support.builders import a_phone
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.fakes.randomness import SeededRandomness

PHONE: Final = a_phone()
OLD, NEW = ("0000000a", b"a" * 32), ("0000000b", b"b" * 32)


def test_a_key_seals_from_its_time_on_and_opens_before_and_after() -> None:
    ring = FakeKeyRing(OLD)
    seal = AesPhoneSeal(b"i" * 32, ring, SeededRandomness())
    sealed = [seal.encrypt(PHONE, "a record")]

    ring.keys = FakeKeyRing(NEW, OLD).keys
    sealed.append(seal.encrypt(PHONE, "a record"))
    ring.signs = NEW[0]
    sealed.append(seal.encrypt(PHONE, "a record"))

    assert [one[1:9].decode() for one in sealed] == [OLD[0], OLD[0], NEW[0]]
    assert [seal.decrypt(one, "a record") for one in sealed] == [PHONE] * 3
