"""Device tokens, and the devices that an identity recognizes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.identities.device_token import (
    SECRET_BYTES,
    ConsoleDevice,
    DeviceToken,
    RecognizedDevice,
    parse_device_token,
)
from domain.identities.role import Role
from tests.support.builders import NOW, a_session, an_id, an_identity

TOKEN = DeviceToken(an_id(7), bytes(range(SECRET_BYTES)))
EXPIRES_AT = NOW + timedelta(days=180)


def a_device(name: str) -> RecognizedDevice:
    return RecognizedDevice(name, f"session of {name}", EXPIRES_AT)


def test_the_encoded_form_has_the_whole_secret_and_no_padding() -> None:
    assert parse_device_token(TOKEN.text) == TOKEN
    assert len(TOKEN.text) == 38
    assert repr(TOKEN.secret) not in repr(TOKEN)


def test_the_id_of_a_device_is_another_for_each_secret_and_does_not_contain_it() -> None:
    assert len(TOKEN.device_id) == 32
    assert TOKEN.secret.hex() not in TOKEN.device_id
    assert TOKEN.device_id != DeviceToken(an_id(7), bytes(16)).device_id


@pytest.mark.parametrize("text", ["", TOKEN.text[:-1], TOKEN.text + "A", "é" * 38, "=" * 38])
def test_any_other_text_is_no_token(text: str) -> None:
    assert parse_device_token(text) is None


def test_a_device_is_found_until_it_expires() -> None:
    identity = an_identity().add_device(a_device("one"), NOW)
    assert identity.find_device("one", EXPIRES_AT - timedelta(seconds=1)) == a_device("one")
    assert identity.find_device("one", EXPIRES_AT) is None
    assert identity.find_device("two", NOW) is None


def test_an_added_device_is_the_newest_and_expired_ones_are_dropped() -> None:
    identity = an_identity()
    for number in range(11):  # above ten the oldest is dropped
        identity = identity.add_device(a_device(str(number)), NOW)
    again = RecognizedDevice("3", "another session", EXPIRES_AT)
    ids = [device.id for device in identity.add_device(again, NOW).devices]
    assert ids == ["1", "2", "4", "5", "6", "7", "8", "9", "10", "3"]
    assert identity.add_device(again, EXPIRES_AT).devices == (again,)


def test_ending_other_sessions_or_all_revokes_their_devices() -> None:
    devices = (a_device("one"), a_device("two"))
    identity = an_identity(sessions=(a_session(id="session of one"),), devices=devices)
    assert identity.revoke_session("session of one").devices == devices
    assert identity.revoke_device_of("session of one").devices == devices[1:]
    assert identity.revoke_other_sessions("session of one").devices == devices[:1]
    for successor in (
        identity.revoke_all_sessions(),
        identity.block(NOW).unblock(NOW),
        identity.delete(NOW),
        identity.detach(NOW),
    ):
        assert successor.devices == ()


# Browsers at the console


def a_browser(device_id: str = "one", session_version: int = 0) -> ConsoleDevice:
    return ConsoleDevice(device_id, session_version, EXPIRES_AT)


def test_only_an_administrator_who_can_sign_in_has_browsers_at_the_console() -> None:
    identity = an_identity(role=Role.ADMINISTRATOR).add_console_device(a_browser(), NOW)
    assert identity.find_console_device("one", NOW) == a_browser()
    assert identity.find_console_device("two", NOW) is None
    assert identity.find_console_device("one", EXPIRES_AT) is None
    for changed in (
        replace(identity, role=Role.MEMBER),
        replace(identity, session_version=1),
        replace(identity, blocked_at=NOW),
        replace(identity, deleted_at=NOW),
        replace(identity, detached_at=NOW),
    ):
        assert changed.find_console_device("one", NOW) is None


def test_a_browser_is_not_added_after_the_end_of_the_role_or_of_all_sessions() -> None:
    for identity in (an_identity(), an_identity(role=Role.ADMINISTRATOR, session_version=1)):
        assert identity.add_console_device(a_browser(), NOW) is identity


def test_an_added_browser_is_the_newest_of_at_most_ten() -> None:
    identity = an_identity(role=Role.ADMINISTRATOR)
    for number in [0, *range(11), 5]:
        identity = identity.add_console_device(a_browser(str(number)), NOW)
    ids = [browser.id for browser in identity.console_devices]
    assert ids == ["1", "2", "3", "4", "6", "7", "8", "9", "10", "5"]
    later = replace(a_browser("later"), expires_at=EXPIRES_AT + timedelta(days=1))
    assert identity.add_console_device(later, EXPIRES_AT).console_devices == (later,)
