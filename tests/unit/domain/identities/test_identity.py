"""Who somebody is: an identity, then a user, perhaps an administrator."""

from datetime import timedelta

from domain.identities.identity import Role
from domain.identities.username import parse_username
from tests.support.builders import NOW, a_user, an_identity

LATER = NOW + timedelta(days=1)


def test_an_identity_is_a_member_without_a_name() -> None:
    identity = an_identity()
    assert not identity.is_deleted
    assert not identity.is_administrator
    assert identity.user is None
    assert identity.username_key is None


def test_with_a_name_it_is_a_user_from_then_on() -> None:
    named = an_identity().set_username(parse_username("Rahul Sharma"), LATER)
    assert named.user is not None
    assert (named.user.username.text, named.user.created_at) == ("Rahul Sharma", LATER)
    assert named.username_key == parse_username("RAHUL SHARMA").key


def test_another_name_makes_no_new_user() -> None:
    renamed = an_identity(user=a_user("Rahul")).set_username(parse_username("Rahul Sharma"), LATER)
    assert renamed.user is not None
    assert (renamed.user.username.text, renamed.user.created_at) == ("Rahul Sharma", NOW)


def test_a_promoted_identity_may_act_for_others() -> None:
    assert an_identity().promote().is_administrator
    assert an_identity().promote().role is Role.ADMINISTRATOR


def test_nothing_that_happens_to_it_changes_its_id() -> None:
    identity = an_identity()
    named = identity.set_username(parse_username("Rahul"), NOW)
    changed = [named, identity.promote(), identity.delete(NOW), named.release_username()]
    assert {one.id for one in changed} == {identity.id}
