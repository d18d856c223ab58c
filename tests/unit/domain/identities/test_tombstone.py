"""A deleted identity: one value that shows nothing and keeps its name for thirty days."""

from datetime import timedelta

from domain.identities.identity import USERNAME_HOLD_PERIOD, Role
from tests.support.builders import NOW, a_deleted_identity, a_phone, a_session, a_user, an_identity


def test_deleting_ends_everything_in_one_step() -> None:
    identity = an_identity(user=a_user(), sessions=(a_session(id="one"),)).promote()
    tombstone = identity.delete(NOW)
    assert tombstone.is_deleted
    assert tombstone.role is Role.MEMBER
    assert tombstone.sessions == ()
    assert tombstone.find_session("one", NOW) is None
    assert not tombstone.purged_at


def test_it_keeps_its_phone_until_it_is_swept() -> None:
    tombstone = an_identity().delete(NOW)
    assert tombstone.phone == a_phone()
    assert (tombstone.purge(NOW).phone, tombstone.purge(NOW).purged_at) == (None, NOW)


def test_it_keeps_its_name_when_it_is_swept() -> None:
    assert a_deleted_identity(user=a_user()).purge(NOW).username_key == a_user().username.key


def test_it_holds_its_name_for_thirty_days() -> None:
    tombstone = a_deleted_identity(user=a_user())
    assert timedelta(days=30) == USERNAME_HOLD_PERIOD
    assert not tombstone.is_username_released(NOW + timedelta(days=30, milliseconds=-1))
    assert tombstone.is_username_released(NOW + timedelta(days=30))


def test_it_gives_its_name_up() -> None:
    assert a_deleted_identity(user=a_user()).release_username().username_key is None


def test_a_living_identity_never_gives_its_name_up() -> None:
    assert not an_identity(user=a_user()).is_username_released(NOW + timedelta(days=10_000))
