"""A role and its passkeys."""

from dataclasses import replace

import pytest

from domain.errors import ConflictingValue
from domain.identities.passkey import Passkey
from domain.identities.role import Role
from domain.identities.staff import Staff
from tests.support.builders import NOW


def a_passkey(name: str) -> Passkey:
    return Passkey(
        credential_id=name.encode(), public_key=b"key", sign_count=1, name=name, created_at=NOW
    )


LAPTOP, KEY = a_passkey("laptop"), a_passkey("key")
SUPPORT = Staff(Role.SUPPORT, (LAPTOP, KEY))


def test_only_another_role_keeps_the_passkeys() -> None:
    assert SUPPORT.promote(Role.AUDITOR) == Staff(Role.AUDITOR, SUPPORT.passkeys)
    member = replace(SUPPORT, role=Role.MEMBER)
    assert member.promote(Role.AUDITOR) == Staff(Role.AUDITOR)


def test_passkeys_are_found_by_their_ids_and_no_two_have_one_name() -> None:
    assert SUPPORT.find_passkey(KEY.id) == KEY
    assert SUPPORT.find_passkey("unknown") is None
    with pytest.raises(ConflictingValue):
        SUPPORT.add_passkey(replace(KEY, credential_id=b"another"))
    phone = a_passkey("phone")
    assert SUPPORT.add_passkey(phone).passkeys == (LAPTOP, KEY, phone)
    assert SUPPORT.remove_passkeys(LAPTOP.id, "unknown").passkeys == (KEY,)
