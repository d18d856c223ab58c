"""What is special about our seal being AES-GCM."""

import hashlib
import hmac

import pytest

from adapters.sealing import AesPhoneSeal
from application.ports.errors import StorageUnavailable
from tests.support.builders import a_phone
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.fakes.randomness import SeededRandomness

PHONE = a_phone()
INDEX_KEY = b"i" * 32
OLD, CURRENT = ("0000000a", b"a" * 32), ("0000000b", b"b" * 32)


def a_seal(*seal_keys: tuple[str, bytes]) -> AesPhoneSeal:
    return AesPhoneSeal(INDEX_KEY, FakeKeyRing(*seal_keys), SeededRandomness())


def test_the_first_key_seals_and_is_named_in_the_seal() -> None:
    sealed = a_seal(CURRENT, OLD).encrypt(PHONE, "a record")

    assert sealed[:9] == b"\x010000000b"
    assert a_seal(CURRENT).decrypt(sealed, "a record") == PHONE


def test_what_an_older_key_sealed_opens_as_long_as_the_key_is_here() -> None:
    sealed = a_seal(OLD).encrypt(PHONE, "a record")

    assert a_seal(CURRENT, OLD).decrypt(sealed, "a record") == PHONE
    with pytest.raises(StorageUnavailable, match="not in the secrets"):
        a_seal(CURRENT).decrypt(sealed, "a record")


def test_a_seal_of_another_version_is_not_read() -> None:
    sealed = a_seal(CURRENT).encrypt(PHONE, "a record")

    with pytest.raises(StorageUnavailable, match="form"):
        a_seal(CURRENT).decrypt(b"\x02" + sealed[1:], "a record")


def test_a_new_seal_key_leaves_index_and_fingerprint_as_they_were() -> None:
    before, after = a_seal(OLD), a_seal(CURRENT, OLD)

    assert before.blind_index(PHONE) == after.blind_index(PHONE)
    assert before.key_fingerprint() == after.key_fingerprint()


def test_the_index_is_the_hmac_of_the_number() -> None:
    expected = hmac.new(INDEX_KEY, PHONE.e164.encode(), hashlib.sha256).hexdigest()

    assert a_seal(CURRENT).blind_index(PHONE) == expected


def test_a_seal_is_as_long_as_its_parts() -> None:
    sealed = a_seal(CURRENT).encrypt(PHONE, "a record")

    assert len(sealed) == 1 + 8 + 12 + len(PHONE.e164) + 16


@pytest.mark.parametrize("key_id", ["", "a", "0000000ab", "ééééé"])
def test_a_key_id_that_does_not_fit_is_refused_at_once(key_id: str) -> None:
    with pytest.raises(ValueError, match="8 ASCII"):
        a_seal((key_id, b"a" * 32))
