"""A deleted identity: one value that shows nothing and keeps its name for thirty days."""

from datetime import timedelta

from domain.identities.identity import USERNAME_HELD_FOR, Role
from tests.builders import NOW, a_phone, a_session, a_tombstone, a_user, an_identity


def test_deleting_ends_everything_in_one_step() -> None:
    identity = an_identity(user=a_user(), sessions=(a_session(id="one"),)).promoted()
    tombstone = identity.deleted_at(NOW)
    assert not tombstone.is_alive
    assert tombstone.role is Role.MEMBER
    assert tombstone.sessions == ()
    assert tombstone.session("one", NOW) is None
    assert not tombstone.swept


def test_it_keeps_its_phone_until_it_is_swept() -> None:
    tombstone = an_identity().deleted_at(NOW)
    assert tombstone.phone == a_phone()
    assert (tombstone.swept_clean().phone, tombstone.swept_clean().swept) == (None, True)


def test_it_keeps_its_name_when_it_is_swept() -> None:
    assert a_tombstone(user=a_user()).swept_clean().username_key == a_user().username.key


def test_it_holds_its_name_for_thirty_days() -> None:
    tombstone = a_tombstone(user=a_user())
    assert timedelta(days=30) == USERNAME_HELD_FOR
    assert not tombstone.holds_username_no_more(NOW + timedelta(days=30, milliseconds=-1))
    assert tombstone.holds_username_no_more(NOW + timedelta(days=30))


def test_it_gives_its_name_up() -> None:
    assert a_tombstone(user=a_user()).without_username().username_key is None


def test_a_living_identity_never_gives_its_name_up() -> None:
    assert not an_identity(user=a_user()).holds_username_no_more(NOW + timedelta(days=10_000))
