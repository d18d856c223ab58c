from collections.abc import Callable
from datetime import date

import pytest

from adapters.encryption import AesPhoneEncryption
from adapters.records.phone_encryption import PhoneEncryption
from application.ports.errors import CorruptRecord
from domain.identifier import require_identifier
from tests.support.builders import a_phone
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fakes.randomness import SeededRandomness
from tests.support.keys import FakeKeyRing

PHONE, OTHER_PHONE = a_phone(1), a_phone(2)
CreateWithKey = Callable[[bytes], PhoneEncryption]


def fake(key: bytes) -> PhoneEncryption:
    return FakePhoneEncryption(key)


def aes(key: bytes) -> PhoneEncryption:
    return AesPhoneEncryption(key * 32, FakeKeyRing(("0000000a", key * 32)), SeededRandomness())


@pytest.fixture(params=[fake, aes], ids=lambda create: create.__name__)
def with_key(request: pytest.FixtureRequest) -> CreateWithKey:
    """Return a function that creates the adapter with keys made from one byte."""
    create: CreateWithKey = request.param
    return create


@pytest.fixture
def encryption(with_key: CreateWithKey) -> PhoneEncryption:
    return with_key(b"k")


def test_an_encrypted_phone_number_is_decrypted_by_any_instance(with_key: CreateWithKey) -> None:
    encrypted = with_key(b"k").encrypt(PHONE, "a record")

    assert with_key(b"k").decrypt(encrypted, "a record") == PHONE


def test_each_encryption_gives_other_bytes(encryption: PhoneEncryption) -> None:
    assert len({encryption.encrypt(PHONE, "a record") for _ in range(100)}) == 100


def test_a_ciphertext_under_the_current_key_is_kept(encryption: PhoneEncryption) -> None:
    stored = encryption.encrypt(PHONE, "a record")

    assert encryption.reencrypt(stored, "a record") == stored


def test_neither_ciphertext_nor_index_contains_the_number(encryption: PhoneEncryption) -> None:
    digits = PHONE.e164.removeprefix("+")

    assert digits.encode() not in encryption.encrypt(PHONE, "a record")
    assert digits not in encryption.blind_index(PHONE)


def test_a_ciphertext_of_another_record_is_rejected(encryption: PhoneEncryption) -> None:
    with pytest.raises(CorruptRecord):
        encryption.decrypt(encryption.encrypt(PHONE, "a record"), "another record")


def test_a_ciphertext_of_other_keys_is_rejected(with_key: CreateWithKey) -> None:
    encrypted = with_key(b"x").encrypt(PHONE, "a record")

    with pytest.raises(CorruptRecord):
        with_key(b"k").decrypt(encrypted, "a record")


def test_a_ciphertext_with_any_bit_changed_is_rejected(encryption: PhoneEncryption) -> None:
    encrypted = encryption.encrypt(PHONE, "a record")

    for position in range(len(encrypted)):
        changed = bytearray(encrypted)
        changed[position] ^= 1
        with pytest.raises(CorruptRecord):
            encryption.decrypt(bytes(changed), "a record")


def test_a_truncated_ciphertext_is_rejected(encryption: PhoneEncryption) -> None:
    encrypted = encryption.encrypt(PHONE, "a record")

    for length in range(len(encrypted)):
        with pytest.raises(CorruptRecord):
            encryption.decrypt(encrypted[:length], "a record")


def test_indexes_and_hashes_depend_on_their_input_and_on_the_key_only(
    with_key: CreateWithKey,
) -> None:
    first, same, other = with_key(b"k"), with_key(b"k"), with_key(b"x")

    assert first.blind_index(PHONE) == same.blind_index(PHONE)
    assert first.blind_index(PHONE) not in (
        other.blind_index(PHONE),
        first.blind_index(OTHER_PHONE),
    )
    assert first.key_fingerprint() == same.key_fingerprint() != other.key_fingerprint()
    for client_ip in ("203.0.113.7", "2001:db8:1:2::/64", "unknown"):
        hashed, of_other_key = first.hash_client_ip(client_ip), other.hash_client_ip(client_ip)
        assert hashed == same.hash_client_ip(client_ip)
        assert hashed.ip != of_other_key.ip
        assert hashed.network != of_other_key.network
        assert client_ip not in repr(hashed)


@pytest.mark.parametrize(
    ("client_ip", "in_same_network", "elsewhere"),
    [
        ("203.0.113.7", "203.0.113.255", "203.0.112.7"),
        ("2001:db8:1:2::/64", "2001:db8:1:ffff::/64", "2001:db8:2:2::/64"),
    ],
)
def test_the_ips_of_a_network_have_its_hash_in_common(
    encryption: PhoneEncryption, client_ip: str, in_same_network: str, elsewhere: str
) -> None:
    hashed, near, far = map(encryption.hash_client_ip, (client_ip, in_same_network, elsewhere))

    assert len({hashed.ip, near.ip, far.ip, hashed.network, far.network}) == 5
    assert near.network == hashed.network
    assert hashed.is_ipv6 == (":" in client_ip)


def test_a_client_without_an_ip_is_its_own_network(encryption: PhoneEncryption) -> None:
    hashed = encryption.hash_client_ip("unknown")

    assert hashed.network == hashed.ip
    assert not hashed.is_ipv6


def test_the_hash_of_a_number_range_depends_on_range_and_key(with_key: CreateWithKey) -> None:
    encryption, other = with_key(b"k"), with_key(b"x")
    hashed = encryption.hash_number_range("+1415555")

    assert hashed == with_key(b"k").hash_number_range("+1415555")
    assert hashed not in (
        other.hash_number_range("+1415555"),
        encryption.hash_number_range("+1415556"),
        encryption.hash_client_ip("+1415555").ip,
    )
    assert "415555" not in hashed


def test_the_hash_of_a_phone_depends_on_phone_and_key(with_key: CreateWithKey) -> None:
    hashes = {
        with_key(key).hash_phone(phone) for key in (b"k", b"l") for phone in (PHONE, OTHER_PHONE)
    }

    assert len(hashes) == 4
    assert with_key(b"k").hash_phone(PHONE) in hashes


def test_the_hash_of_an_external_id_makes_an_id_that_nobody_can_guess(
    with_key: CreateWithKey,
) -> None:
    hashed = [
        with_key(key).hash_external_id(external_id) for key in (b"k", b"l") for external_id in "12"
    ]

    assert len(set(hashed)) == 4
    assert with_key(b"k").hash_external_id("1") == hashed[0]
    for text in hashed:
        require_identifier(text[:24])


def test_the_hash_for_the_log_is_another_one_each_day_and_not_an_index(
    with_key: CreateWithKey,
) -> None:
    today, tomorrow = date(2026, 5, 1), date(2026, 5, 2)
    hashes = {
        with_key(key).hash_phone_of_day(phone, day)
        for key in (b"k", b"l")
        for phone in (PHONE, OTHER_PHONE)
        for day in (today, tomorrow)
    }

    assert len(hashes) == 8
    assert {len(phone_hash) for phone_hash in hashes} == {16}
    encryption = with_key(b"k")
    assert encryption.hash_phone_of_day(PHONE, today) in hashes
    assert not encryption.blind_index(PHONE).startswith(tuple(hashes))
    assert not encryption.hash_phone(PHONE).startswith(tuple(hashes))
