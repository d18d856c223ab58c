"""A session is noted once a day when it is used, and lives on when it is refreshed."""

from datetime import timedelta

from domain.identities.session import Lineage
from tests.builders import NOW, a_session, an_identity

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LINEAGE = Lineage(nonce=b"n" * 16, rotated=NOW)


def test_before_its_first_use_it_was_last_seen_at_its_sign_in() -> None:
    assert a_session(created=NOW).last_used == NOW


def test_a_use_is_worth_a_write_once_a_day() -> None:
    session = a_session(created=NOW - 9 * DAY).used_at(NOW)
    assert session.last_used == NOW
    assert not session.has_to_be_noted(NOW + DAY - SECOND)
    assert session.has_to_be_noted(NOW + DAY)


def test_a_use_changes_nothing_else_of_it() -> None:
    session = a_session(device="Pixel", lineage=LINEAGE)
    assert session.used_at(NOW + DAY) == a_session(device="Pixel", lineage=LINEAGE, used=NOW + DAY)


def test_refreshed_it_was_seen_now_and_lives_for_a_lifetime_from_now() -> None:
    session = a_session(id="one", created=NOW, device="Pixel", lineage=LINEAGE)
    following = Lineage(nonce=b"n" * 16, rotated=NOW + DAY, generation=2)
    assert session.refreshed(following, NOW + DAY, 30 * DAY) == a_session(
        id="one",
        created=NOW,
        expires=NOW + 31 * DAY,
        device="Pixel",
        used=NOW + DAY,
        lineage=following,
    )


def test_a_session_that_changed_stays_in_its_place() -> None:
    one, two, three = (a_session(id=name) for name in ("one", "two", "three"))
    identity = an_identity(sessions=(one, two, three)).with_session(two.used_at(NOW + DAY))
    assert identity.sessions == (one, two.used_at(NOW + DAY), three)


def test_a_session_that_was_ended_meanwhile_does_not_come_back() -> None:
    identity = an_identity(sessions=(a_session(id="one"),))
    assert identity.with_session(a_session(id="two")) == identity


def test_signing_out_elsewhere_leaves_one_session() -> None:
    one, two, three = (a_session(id=name) for name in ("one", "two", "three"))
    identity = an_identity(sessions=(one, two, three))
    assert identity.signed_out_but("two").sessions == (two,)
