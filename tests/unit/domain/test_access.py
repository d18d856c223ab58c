"""Who may act for whom, and who sees a full phone number."""

from dataclasses import replace

from domain.access import can_act_for, visible_phone
from tests.support.builders import a_phone, an_id, an_identity

USER = an_identity(id=an_id(1), phone=a_phone(1))
OTHER_USER = an_identity(id=an_id(2), phone=a_phone(2))
ADMINISTRATOR = an_identity(id=an_id(3), phone=a_phone(3)).promote()


def test_everybody_may_act_for_themselves_and_administrators_for_anybody() -> None:
    assert can_act_for(USER, USER.id)
    assert not can_act_for(USER, OTHER_USER.id)
    assert can_act_for(ADMINISTRATOR, USER.id)
    assert not can_act_for(ADMINISTRATOR.demote(), USER.id)


def test_only_the_identity_itself_and_administrators_see_the_full_number() -> None:
    phone = a_phone(1)
    assert visible_phone(USER, USER) == phone.e164
    assert visible_phone(ADMINISTRATOR, USER) == phone.e164
    assert visible_phone(OTHER_USER, USER) == phone.masked


def test_an_identity_without_a_phone_has_no_visible_number() -> None:
    assert visible_phone(ADMINISTRATOR, replace(USER, phone=None)) is None
