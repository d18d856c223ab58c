"""Device tokens, and the devices that an identity recognizes."""

from datetime import datetime, timedelta

from domain.identities.device_token import (
    SECRET_BYTES,
    DeviceToken,
    RecognizedDevice,
    parse_device_token,
)
from domain.identities.identity import Identity
from tests.support.builders import NOW, a_session, an_id, an_identity

TOKEN = DeviceToken(an_id(7), bytes(range(SECRET_BYTES)))
EXPIRES_AT = NOW + timedelta(days=180)


def a_device(name: str) -> RecognizedDevice:
    return RecognizedDevice(name, f"session of {name}", EXPIRES_AT)


def recognize(identity: Identity, device: RecognizedDevice, now: datetime = NOW) -> Identity:
    return identity.add_session(a_session(created_at=now), device=device)


def test_the_encoded_form_has_the_whole_secret_and_the_id_has_it_not() -> None:
    assert parse_device_token(TOKEN.text) == TOKEN
    assert len(TOKEN.text) == 38
    assert repr(TOKEN.secret) not in repr(TOKEN)
    assert len(TOKEN.device_id) == 32
    assert TOKEN.secret.hex() not in TOKEN.device_id
    assert TOKEN.device_id != DeviceToken(an_id(7), bytes(16)).device_id
    for text in ("", TOKEN.text[:-1], TOKEN.text + "A", "é" * 38, "=" * 38):
        assert parse_device_token(text) is None


def test_a_device_is_found_until_it_expires() -> None:
    identity = recognize(an_identity(), a_device("one"))
    assert identity.find_device("one", EXPIRES_AT - timedelta(seconds=1)) == a_device("one")
    assert identity.find_device("one", EXPIRES_AT) is None
    assert identity.find_device("two", NOW) is None


def test_an_added_device_is_the_newest_and_expired_ones_are_dropped() -> None:
    identity = an_identity()
    for number in range(11):  # above ten the oldest is dropped
        identity = recognize(identity, a_device(str(number)))
    again = RecognizedDevice("3", "another session", EXPIRES_AT)
    ids = [device.id for device in recognize(identity, again).devices]
    assert ids == ["1", "2", "4", "5", "6", "7", "8", "9", "10", "3"]
    assert recognize(identity, again, EXPIRES_AT).devices == (again,)


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
