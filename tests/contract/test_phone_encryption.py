from collections.abc import Callable
from datetime import date

import pytest

from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.security.encryption import AesPhoneEncryption
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


def test_a_phone_is_decrypted_by_any_instance_for_its_record_only(with_key: CreateWithKey) -> None:
    encryption = with_key(b"k")
    encrypted = {encryption.encrypt(PHONE, "a record") for _ in range(100)}

    assert len(encrypted) == 100
    digits = PHONE.e164.removeprefix("+")
    assert digits not in encryption.blind_index(PHONE)
    for ciphertext in encrypted:
        assert digits.encode() not in ciphertext
        assert with_key(b"k").decrypt(ciphertext, "a record") == PHONE
        assert encryption.reencrypt(ciphertext, "a record") == ciphertext
    for other, record in ((encryption, "another record"), (with_key(b"x"), "a record")):
        with pytest.raises(CorruptRecord):
            other.decrypt(encrypted.pop(), record)


def test_a_truncated_or_changed_ciphertext_is_rejected(encryption: PhoneEncryption) -> None:
    encrypted = encryption.encrypt(PHONE, "a record")
    for position, byte in enumerate(encrypted):
        changed = encrypted[:position] + bytes([byte ^ 1]) + encrypted[position + 1 :]
        for wrong in (changed, encrypted[:position]):
            with pytest.raises(CorruptRecord):
                encryption.decrypt(wrong, "a record")


def test_indexes_and_hashes_depend_on_their_input_and_on_the_key_only(
    with_key: CreateWithKey,
) -> None:
    first, same, other = with_key(b"k"), with_key(b"k"), with_key(b"x")

    assert first.blind_index(PHONE) == same.blind_index(PHONE)
    assert first.blind_index(PHONE) not in (
        other.blind_index(PHONE),
        first.blind_index(OTHER_PHONE),
    )
    hashes = {
        one.hash_phone(phone) for one in (first, same, other) for phone in (PHONE, OTHER_PHONE)
    }
    assert len(hashes) == 4
    ranges = {
        *(first.hash_number_range(text) for text in ("+1415555", "+1415556")),
        *(one.hash_number_range("+1415555") for one in (same, other)),
        first.hash_client_ip("+1415555").ip,
    }
    assert len(ranges) == 4
    assert not [text for text in ranges if "415555" in text]
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
    challenges = [with_key(key).hash_challenge(text) for key in (b"k", b"l") for text in "12"]
    assert len({*challenges, *hashed}) == 8


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
