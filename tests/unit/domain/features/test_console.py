"""The web console: its sessions, the tokens of its forms, and the browsers that it recognizes."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from domain.features.console import (
    ConsoleDevice,
    ConsoleDevices,
    ConsoleSession,
    format_cookie,
    is_form_token,
    make_form_token,
    parse_cookie,
)
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.staff import Staff
from domain.secret_hash import hash_secret
from tests.support.builders import NOW, an_id, an_identity

ID = "0a" * 12
SECRET, OTHER = "5b" * 32, "5c" * 32
SESSION = ConsoleSession(
    id=ID,
    secret_hash=hash_secret(SECRET),
    identity_id=an_id(),
    session_version=0,
    created_at=NOW,
    last_used_at=NOW,
)


def test_a_session_ends_15_minutes_after_its_last_use_and_an_hour_after_the_sign_in() -> None:
    assert not SESSION.accepts(OTHER, NOW)
    session = SESSION
    for minutes in range(0, 60, 14):
        now = NOW + timedelta(minutes=minutes)
        assert session.accepts(SECRET, now)
        session = session.record_use(now)
        assert session.record_use(now + timedelta(seconds=9)) is session
    assert session.expires_at == NOW + timedelta(hours=1)
    assert not session.accepts(SECRET, session.expires_at)
    assert not SESSION.accepts(SECRET, NOW + timedelta(minutes=15))


def test_a_repeated_sign_in_gets_another_secret_for_a_minute_and_none_after_the_sign_out() -> None:
    second = timedelta(seconds=1)
    repeated = SESSION.repeat_sign_in(OTHER, NOW + 59 * second)
    assert repeated
    assert (repeated.accepts(OTHER, NOW), repeated.accepts(SECRET, NOW)) == (True, False)
    assert SESSION.repeat_sign_in(OTHER, NOW + 60 * second) is None
    assert SESSION.sign_out().repeat_sign_in(OTHER, NOW) is None
    assert not SESSION.sign_out().accepts(SECRET, NOW)


def test_each_cookie_has_a_form_token_of_its_own() -> None:
    assert parse_cookie(format_cookie(ID, SECRET)) == (ID, SECRET)
    assert is_form_token(make_form_token(SECRET), SECRET)
    for token in ("", "é", make_form_token(SECRET).upper(), SECRET, make_form_token(OTHER)):
        assert not is_form_token(token, SECRET)


EXPIRES_AT: Final = NOW + timedelta(days=90)
ADMINISTRATOR: Final = an_identity(staff=Staff(Role.ADMINISTRATOR))


def a_browser(device_id: str = "one", session_version: int = 0) -> ConsoleDevice:
    return ConsoleDevice(device_id, session_version, EXPIRES_AT)


ONE: Final = ConsoleDevices(ADMINISTRATOR.id, (a_browser(),))


def test_only_staff_who_can_sign_in_has_browsers_until_they_expire() -> None:
    assert ONE.active(ADMINISTRATOR, EXPIRES_AT - timedelta(seconds=1)) == [a_browser()]
    assert not ONE.active(ADMINISTRATOR, EXPIRES_AT)
    for changed in (
        replace(ADMINISTRATOR, staff=Staff()),
        replace(ADMINISTRATOR, session_version=1),
        replace(ADMINISTRATOR, blocked_at=NOW),
        replace(ADMINISTRATOR, deleted_at=NOW),
        replace(ADMINISTRATOR, detached_at=NOW),
    ):
        assert not ONE.active(changed, NOW)


def test_a_browser_does_not_come_back_with_the_role_or_after_a_block() -> None:
    def again(identity: Identity) -> Identity:
        return identity.promote(Role.ADMINISTRATOR)

    for back in (
        again(ADMINISTRATOR.demote()),
        replace(ADMINISTRATOR.demote(), staff=Staff(Role.ADMINISTRATOR)),
        again(ADMINISTRATOR.promote(Role.SUPPORT)),
        again(replace(ADMINISTRATOR.detach(NOW), detached_at=None)),
        ADMINISTRATOR.block(NOW).unblock(NOW),
        ADMINISTRATOR.end_console_sessions(),
        ADMINISTRATOR.revoke_all_sessions(),
        ADMINISTRATOR.revoke_other_sessions("a session"),
    ):
        assert back.is_staff
        assert not ONE.active(back, NOW)


def test_an_added_browser_is_the_newest_of_at_most_ten() -> None:
    browsers = ConsoleDevices(ADMINISTRATOR.id)
    for number in [0, *range(11), 5]:
        browsers = browsers.add(a_browser(str(number)), NOW)
    ids = [browser.id for browser in browsers.devices]
    assert ids == ["1", "2", "3", "4", "6", "7", "8", "9", "10", "5"]
    later = replace(a_browser("later"), expires_at=EXPIRES_AT + timedelta(days=1))
    assert browsers.add(later, NOW).expires_at == later.expires_at
    assert browsers.add(later, EXPIRES_AT).devices == (later,)


def test_browsers_that_have_ended_make_room_and_do_not_come_after_the_others() -> None:
    newer = a_browser("two", session_version=1)
    browsers = ONE.add(newer, NOW)
    assert browsers.devices == (newer,)
    assert browsers.add(a_browser("late"), NOW) == browsers
