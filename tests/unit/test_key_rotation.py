"""The current key of a list, and the document after a rotation."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from adapters.key_file.document import KeyPurpose, generate_entry, parse_document
from adapters.key_file.keys import select_current_key
from adapters.key_file.rotation import RETENTION_MARGIN, RotatedKeys, rotate_document
from application.ports.keys import Key
from entrypoints.keys import max_token_lifetimes
from tests.support.builders import NOW
from tests.support.settings import settings

DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
MILLISECOND: Final = timedelta(milliseconds=1)
NOT_BEFORE: Final = NOW + MINUTE
LIFETIMES: Final = {
    KeyPurpose.SIGNING: 90 * DAY,
    KeyPurpose.REFRESH: 30 * DAY,
    KeyPurpose.OTP_PEPPER: 5 * MINUTE,
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
    ("minutes", "position"),
    [
        ((0,), 0),
        ((0, -5), 0),
        ((1, 0, -5), 1),
        ((2, 1, 0, -5), 2),
        ((1, 1, -5, -9), 2),
        ((-5, 0), 0),
        # No key is active yet: the oldest one.
        ((3, 2, 1), 2),
        ((1,), 0),
    ],
)
def test_the_newest_active_key_is_current(minutes: tuple[int, ...], position: int) -> None:
    keys = [Key(f"{number}", NOW + number * MINUTE, b"") for number in minutes]

    assert select_current_key(keys, NOW) is keys[position]


def test_a_key_is_active_exactly_from_its_not_before() -> None:
    new, old = Key("0000000b", NOW, b""), Key("0000000a", NOW - MINUTE, b"")

    assert select_current_key([new, old], NOW - MILLISECOND) is old
    assert select_current_key([new, old], NOW) is new


# Rotation


@pytest.mark.parametrize("purpose", LIFETIMES)
def test_a_new_key_is_added_in_front(purpose: KeyPurpose) -> None:
    members = document_with_keys(NOW - DAY)

    rotated_members, summary = rotate(members)

    new, *former = rotated_members[purpose]
    assert former == members[purpose]
    assert new["not_before"] == "2026-05-01T09:31:00Z"
    assert new["key"] != former[0]["key"]
    assert summary[purpose] == RotatedKeys(purpose, new["id"], NOT_BEFORE, kept=1, removed=0)


def test_an_encryption_key_is_added_and_none_is_removed() -> None:
    members = document_with_keys(NOW - DAY, NOW - 900 * DAY, NOW - 901 * DAY)

    rotated_members, summary = rotate(members)

    rotated = rotated_members[KeyPurpose.PHONE_ENCRYPTION]
    assert rotated[1:] == members[KeyPurpose.PHONE_ENCRYPTION]
    assert summary[KeyPurpose.PHONE_ENCRYPTION].removed == 0


def test_the_index_key_and_unknown_members_are_preserved() -> None:
    members = document_with_keys(NOW - DAY) | {"comment": "by hand", "others": [{"key": "x"}]}

    rotated_members, _ = rotate(members)

    for name in ("version", "phone_index", "comment", "others"):
        assert rotated_members[name] == members[name]
    assert rotated_members.keys() == members.keys()


def test_two_rotations_generate_different_keys() -> None:
    members = document_with_keys(NOW - DAY)
    first, second = rotate(members)[0], rotate(members)[0]

    for purpose in LIFETIMES:
        assert first[purpose][0]["key"] != second[purpose][0]["key"]
        assert first[purpose][0]["id"] != second[purpose][0]["id"]


@pytest.mark.parametrize("purpose", LIFETIMES)
def test_a_key_is_removed_exactly_when_all_its_tokens_have_expired(purpose: KeyPurpose) -> None:
    expired_at = NOW - LIFETIMES[purpose] - RETENTION_MARGIN

    for replaced_at, removed in ((expired_at + timedelta(seconds=1), 0), (expired_at, 1)):
        _, summary = rotate(document_with_keys(replaced_at, NOW - 900 * DAY))
        assert (summary[purpose].kept, summary[purpose].removed) == (2 - removed, removed)


def test_an_old_key_is_kept_if_it_was_used_recently() -> None:
    _, summary = rotate(document_with_keys(NOW - DAY, NOW - 900 * DAY))

    assert {rotated.removed for rotated in summary.values()} == {0}


def test_the_current_key_is_never_removed() -> None:
    _, summary = rotate(document_with_keys(NOW - 900 * DAY))

    assert {rotated.kept for rotated in summary.values()} == {1}


def test_all_expired_keys_are_removed_at_once() -> None:
    _, summary = rotate(document_with_keys(*(NOW - days * DAY for days in (1, 200, 300, 400))))

    rotated = [summary[purpose] for purpose in LIFETIMES]
    assert {(keys.kept, keys.removed) for keys in rotated} == {(2, 2)}


def test_an_unordered_list_loses_no_key_that_was_used_recently() -> None:
    # The second key is in use since yesterday; before that, the third one was.
    members = document_with_keys(NOW + DAY, NOW - DAY, NOW - 300 * DAY, NOW - 200 * DAY)

    rotated_members, _ = rotate(members)

    assert rotated_members["signing"][1:] == members["signing"][:3]


def test_longer_lifetimes_keep_keys_longer() -> None:
    members = document_with_keys(NOW - 100 * DAY, NOW - 900 * DAY)

    _, summary = rotate(members)
    _, longer = rotate(members, LIFETIMES | {KeyPurpose.SIGNING: 100 * DAY})

    assert summary[KeyPurpose.SIGNING].removed == 1
    assert longer[KeyPurpose.SIGNING].removed == 0


@pytest.mark.parametrize(("ttl", "days"), [("400d", 400), ("90d", 90), ("1h", 90), ("", 90)])
def test_keys_are_kept_for_the_longer_of_setting_and_default(ttl: str, days: int) -> None:
    lifetimes = max_token_lifetimes(settings(PLAIN_TOKEN_TTL=ttl, REFRESH_TOKEN_TTL=ttl))

    assert lifetimes.plain == lifetimes.refresh == days * DAY
