"""The browsers that the web console recognizes."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from domain.features.console import ConsoleDevice, ConsoleDevices
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.staff import Staff
from tests.support.builders import NOW, an_identity

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
