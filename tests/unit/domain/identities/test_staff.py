"""A role and its passkeys."""

from dataclasses import replace

import pytest

from domain.errors import ConflictingValue
from domain.features.passkeys import PasskeyExists, check_room
from domain.identities.passkey import Passkey
from domain.identities.role import Role
from domain.identities.staff import Staff
from tests.support.builders import NOW, an_identity


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


def test_passkeys_are_found_by_their_ids() -> None:
    assert SUPPORT.find_passkey(KEY.id) == KEY
    assert SUPPORT.find_passkey("unknown") is None
    assert SUPPORT.remove_passkeys(LAPTOP.id, "unknown").passkeys == (KEY,)


def test_no_two_passkeys_of_user_and_staff_have_the_same_name_or_id() -> None:
    """Otherwise whoever removes one of the user removes that for the console too."""
    identity = an_identity(staff=SUPPORT)
    with pytest.raises(ConflictingValue):
        identity.add_passkey(replace(KEY, credential_id=b"another"))
    with pytest.raises(ConflictingValue):
        an_identity(passkeys=(KEY,)).add_console_passkey(replace(KEY, credential_id=b"another"))
    with pytest.raises(PasskeyExists):
        check_room(identity, identity.passkeys, replace(KEY, name="another"))
    phone = a_passkey("phone")
    assert identity.add_console_passkey(phone).staff.passkeys == (LAPTOP, KEY, phone)
