"""The encryption, the blind indexes and the hashes that all databases store."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import pytest

from application.ports.errors import CorruptRecord
from domain.identifier import require_identifier
from tests.support.builders import a_phone
from tests.support.fakes.phone_encryption import FakePhoneEncryption

PHONE, OTHER_PHONE = a_phone(1), a_phone(2)
ONE, SAME, OTHER = (FakePhoneEncryption(key) for key in (b"k", b"k", b"x"))
TEXTS: Final = ("+1415555", "+1415556")
Hash = Callable[[FakePhoneEncryption, Any], str]
HASHES: Final[dict[str, tuple[Hash, tuple[object, object]]]] = {
    "index": (lambda one, phone: one.blind_index(phone), (PHONE, OTHER_PHONE)),
    "audit": (lambda one, phone: one.hash_phone(phone), (PHONE, OTHER_PHONE)),
    "log": (
        lambda one, day: one.hash_phone_of_day(PHONE, day),
        (date(2026, 5, 1), date(2026, 5, 2)),
    ),
    "range": (lambda one, text: one.hash_number_range(text), TEXTS),
    "ip": (lambda one, text: one.hash_client_ip(text).ip, TEXTS),
    "external id": (lambda one, text: one.hash_external_id(text), TEXTS),
    "challenge": (lambda one, text: one.hash_challenge(text), TEXTS),
    "url": (lambda one, text: one.sign_url(text), TEXTS),
}
"""What hashes, and two values of it."""


def test_a_phone_is_decrypted_by_any_instance_for_its_record_only() -> None:
    encrypted = {ONE.encrypt(PHONE, "a record") for _ in range(100)}

    assert len(encrypted) == 100
    for ciphertext in encrypted:
        assert PHONE.e164.removeprefix("+").encode() not in ciphertext
        assert SAME.decrypt(ciphertext, "a record") == PHONE
        assert ONE.reencrypt(ciphertext, "a record") == ciphertext
    for other, record in ((ONE, "another record"), (OTHER, "a record")):
        with pytest.raises(CorruptRecord):
            other.decrypt(encrypted.pop(), record)


def test_a_truncated_or_changed_ciphertext_is_rejected() -> None:
    encrypted = ONE.encrypt(PHONE, "a record")
    for position, byte in enumerate(encrypted):
        changed = encrypted[:position] + bytes([byte ^ 1]) + encrypted[position + 1 :]
        for wrong in (changed, encrypted[:position]):
            with pytest.raises(CorruptRecord):
                ONE.decrypt(wrong, "a record")


def test_a_hash_depends_on_its_input_its_purpose_and_the_key_only() -> None:
    hashes = {
        make(encryption, value)
        for make, values in HASHES.values()
        for value in values
        for encryption in (ONE, SAME, OTHER)
    }

    assert len(hashes) == 2 * 2 * len(HASHES)
    assert not [text for text in hashes if "415555" in text]
    in_log, _ = HASHES["log"]
    assert len({text[:16] for text in hashes}) == len(hashes), "the log has the begin of an index"
    assert len(in_log(ONE, date(2026, 5, 1))) == 16
    require_identifier(ONE.hash_external_id("1")[:24])
    assert ONE.key_fingerprint() == SAME.key_fingerprint() != OTHER.key_fingerprint()


@pytest.mark.parametrize(
    ("client_ip", "in_same_network", "elsewhere"),
    [
        ("203.0.113.7", "203.0.113.255", "203.0.112.7"),
        ("2001:db8:1:2::/64", "2001:db8:1:ffff::/64", "2001:db8:2:2::/64"),
    ],
)
def test_the_ips_of_a_network_have_its_hash_in_common(
    client_ip: str, in_same_network: str, elsewhere: str
) -> None:
    hashed, near, far = map(ONE.hash_client_ip, (client_ip, in_same_network, elsewhere))

    assert len({hashed.ip, near.ip, far.ip, hashed.network, far.network}) == 5
    assert near.network == hashed.network != OTHER.hash_client_ip(client_ip).network
    assert hashed.is_ipv6 == (":" in client_ip)
