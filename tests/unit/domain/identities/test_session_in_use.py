"""A session is noted once a day when it is used, and lives on when it is refreshed."""

from datetime import timedelta

from domain.identities.session import RefreshTokenFamily
from tests.support.builders import NOW, a_session, an_identity

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LINEAGE = RefreshTokenFamily(nonce=b"n" * 16, rotated_at=NOW)


def test_before_its_first_use_it_was_last_seen_at_its_sign_in() -> None:
    assert a_session(created_at=NOW).last_seen_at == NOW


def test_a_use_is_worth_a_write_once_a_day() -> None:
    session = a_session(created_at=NOW - 9 * DAY).record_use(NOW)
    assert session.last_seen_at == NOW
    assert not session.should_record_use(NOW + DAY - SECOND)
    assert session.should_record_use(NOW + DAY)


def test_a_use_changes_nothing_else_of_it() -> None:
    session = a_session(device="Pixel", token_family=LINEAGE)
    assert session.record_use(NOW + DAY) == a_session(
        device="Pixel", token_family=LINEAGE, last_used_at=NOW + DAY
    )


def test_refreshed_it_was_seen_now_and_lives_for_a_lifetime_from_now() -> None:
    session = a_session(id="one", created_at=NOW, device="Pixel", token_family=LINEAGE)
    following = RefreshTokenFamily(nonce=b"n" * 16, rotated_at=NOW + DAY, generation=2)
    assert session.refresh(following, NOW + DAY, 30 * DAY) == a_session(
        id="one",
        created_at=NOW,
        expires_at=NOW + 31 * DAY,
        device="Pixel",
        last_used_at=NOW + DAY,
        token_family=following,
    )


def test_a_session_that_changed_stays_in_its_place() -> None:
    one, two, three = (a_session(id=name) for name in ("one", "two", "three"))
    identity = an_identity(sessions=(one, two, three)).replace_session(two.record_use(NOW + DAY))
    assert identity.sessions == (one, two.record_use(NOW + DAY), three)


def test_a_session_that_was_ended_meanwhile_does_not_come_back() -> None:
    identity = an_identity(sessions=(a_session(id="one"),))
    assert identity.replace_session(a_session(id="two")) == identity


def test_signing_out_elsewhere_leaves_one_session() -> None:
    one, two, three = (a_session(id=name) for name in ("one", "two", "three"))
    identity = an_identity(sessions=(one, two, three))
    assert identity.revoke_other_sessions("two").sessions == (two,)
