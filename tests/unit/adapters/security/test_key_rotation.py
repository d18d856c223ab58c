"""The current key of a list, and the document after a rotation."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from adapters.security.keys.document import generate_entry, parse_document
from adapters.security.keys.keys import select_current_key
from adapters.security.keys.rotation import RETENTION_MARGIN, RotatedKeys, rotate_document
from application.ports.keys import Key, KeyPurpose
from domain.otp.challenge import OTP_TTL
from entrypoints.commands.operations.key_states import key_lifetimes
from tests.support.builders import NOW
from tests.support.settings import settings

DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
NOT_BEFORE: Final = NOW + MINUTE
LIFETIMES: Final = {
    KeyPurpose.SIGNING: 90 * DAY,
    KeyPurpose.REFRESH: 30 * DAY,
    KeyPurpose.OTP_PEPPER: 7 * DAY,
}


def document_with_keys(*times: datetime) -> dict[str, Any]:
    """Return a document whose rotated lists have a key for each `not_before`."""
    lists = {
        purpose.value: [
            generate_entry(purpose, time)
            for time in ((NOW,) if purpose is KeyPurpose.PHONE_INDEX else times)
        ]
        for purpose in KeyPurpose
    }
    return {"version": 1, **lists}


def rotate(
    members: dict[str, Any], lifetimes: dict[KeyPurpose, timedelta] = LIFETIMES
) -> tuple[dict[str, Any], dict[KeyPurpose, RotatedKeys]]:
    document = parse_document(json.dumps(members))
    rotated_members, summary = rotate_document(document, lifetimes, NOW, NOT_BEFORE)
    parse_document(json.dumps(rotated_members))
    return rotated_members, {rotated.purpose: rotated for rotated in summary}


# The current key


@pytest.mark.parametrize(
    ("seconds", "position"),
    [
        ((0, -5), 0),
        ((2, 1, 0, -5), 2),
        ((0.001, -5), 1),
        ((1, 1, -5, -9), 2),
        ((-5, 0), 0),
        # No key is active yet: the oldest one.
        ((3, 2, 1), 2),
    ],
)
def test_the_newest_active_key_is_current(seconds: tuple[float, ...], position: int) -> None:
    keys = [Key(f"{number}", NOW + timedelta(seconds=number), b"") for number in seconds]

    assert select_current_key(keys, NOW) is keys[position]


# Rotation


@pytest.mark.parametrize(
    ("days", "removed"),
    [((900,), 0), ((1, 900), 0), ((1, 200, 300, 400), 2)],
)
def test_keys_are_removed_that_were_replaced_long_ago(days: tuple[int, ...], removed: int) -> None:
    members = document_with_keys(*(NOW - number * DAY for number in days))
    members |= {"comment": "by hand", "others": [{"key": "x"}]}

    rotated_members, summary = rotate(members)

    for purpose in LIFETIMES:
        assert (summary[purpose].kept, summary[purpose].removed) == (len(days) - removed, removed)
    # An encryption key is never removed.
    encryption_keys = rotated_members[KeyPurpose.PHONE_ENCRYPTION]
    assert encryption_keys[1:] == members[KeyPurpose.PHONE_ENCRYPTION]
    assert summary[KeyPurpose.PHONE_ENCRYPTION].removed == 0
    assert rotated_members.keys() == members.keys()
    for name in ("version", "phone_index", "comment", "others"):
        assert rotated_members[name] == members[name]


@pytest.mark.parametrize("purpose", LIFETIMES)
def test_a_key_is_removed_exactly_when_all_its_tokens_have_expired(purpose: KeyPurpose) -> None:
    expired_at = NOW - LIFETIMES[purpose] - RETENTION_MARGIN

    for replaced_at, removed in ((expired_at + timedelta(seconds=1), 0), (expired_at, 1)):
        _, summary = rotate(document_with_keys(replaced_at, NOW - 900 * DAY))
        assert (summary[purpose].kept, summary[purpose].removed) == (2 - removed, removed)


@pytest.mark.parametrize(("ttl", "days"), [("400d", 400), ("90d", 90), ("1h", 90), ("", 90)])
def test_keys_are_kept_for_the_longer_of_setting_and_default(ttl: str, days: int) -> None:
    lifetimes = key_lifetimes(settings(PLAIN_TOKEN_TTL=ttl, SESSION_IDLE_TIMEOUT=ttl))

    assert lifetimes[KeyPurpose.SIGNING] == lifetimes[KeyPurpose.REFRESH] == days * DAY
    assert lifetimes[KeyPurpose.OTP_PEPPER] == OTP_TTL
