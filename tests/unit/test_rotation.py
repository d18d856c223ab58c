"""What a secrets file holds after a rotation."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from adapters.secrets_file.document import secrets_of
from adapters.secrets_file.fresh import fresh_key, fresh_signing_key
from adapters.secrets_file.rotation import MARGIN, Lives, RotatedList, rotated
from tests.support.builders import NOW

ONE_DAY: Final = timedelta(days=1)
A_SECOND: Final = timedelta(seconds=1)
SIGNS_FROM: Final = NOW + timedelta(minutes=1)
LIVES: Final = Lives(
    codes=timedelta(minutes=5), access_tokens=90 * ONE_DAY, refresh_tokens=30 * ONE_DAY
)
LIFE_OF: Final = {
    "signing_keys": LIVES.access_tokens,
    "refresh_keys": LIVES.refresh_tokens,
    "otp_keys": LIVES.codes,
}


def a_document(*times: datetime) -> dict[str, Any]:
    """A document whose lists hold a key of each time."""
    return {
        "version": 1,
        "otp_keys": [fresh_key(time) for time in times],
        "index_key": fresh_key(NOW),
        "seal_keys": [fresh_key(NOW)],
        "signing_keys": [fresh_signing_key(time) for time in times],
        "refresh_keys": [fresh_key(time) for time in times],
    }


def after_rotation(
    document: dict[str, Any], lives: Lives = LIVES
) -> tuple[dict[str, Any], dict[str, RotatedList]]:
    after, lists = rotated(document, secrets_of(document), lives, NOW, SIGNS_FROM)
    secrets_of(after)
    return after, {one.name: one for one in lists}


@pytest.mark.parametrize("name", LIFE_OF)
def test_a_new_key_stands_in_front_and_the_old_one_after_it(name: str) -> None:
    document = a_document(NOW - ONE_DAY)

    after, lists = after_rotation(document)

    new, *older = after[name]
    assert older == document[name]
    assert new["not_before"] == "2026-05-01T09:31:00Z"
    assert new["key"] != older[0]["key"]
    assert lists[name] == RotatedList(name, new["id"], SIGNS_FROM, kept=1, dropped=0)


def test_index_key_seal_keys_and_what_else_is_there_stay() -> None:
    document = a_document(NOW - ONE_DAY) | {"comment": "by hand", "others": [{"key": "x"}]}

    after, _ = after_rotation(document)

    for name in ("version", "index_key", "seal_keys", "comment", "others"):
        assert after[name] == document[name]
    assert after.keys() == document.keys()


def test_no_two_rotations_make_the_same_keys() -> None:
    document = a_document(NOW - ONE_DAY)
    one, other = after_rotation(document)[0], after_rotation(document)[0]

    for name in LIFE_OF:
        assert one[name][0]["key"] != other[name][0]["key"]
        assert one[name][0]["id"] != other[name][0]["id"]


@pytest.mark.parametrize("name", LIFE_OF)
def test_a_key_goes_when_all_that_it_made_is_over_and_not_a_second_before(name: str) -> None:
    over = NOW - LIFE_OF[name] - MARGIN

    for replaced, dropped in ((over + A_SECOND, 0), (over, 1)):
        lists = after_rotation(a_document(replaced, NOW - 900 * ONE_DAY))[1]
        assert (lists[name].kept, lists[name].dropped) == (2 - dropped, dropped)


def test_how_old_a_key_is_does_not_matter_as_long_as_it_was_used() -> None:
    lists = after_rotation(a_document(NOW - ONE_DAY, NOW - 900 * ONE_DAY))[1]

    assert {one.dropped for one in lists.values()} == {0}


def test_the_key_in_use_never_goes() -> None:
    lists = after_rotation(a_document(NOW - 900 * ONE_DAY))[1]

    assert {one.kept for one in lists.values()} == {1}


def test_all_keys_go_that_are_out_of_use_for_long() -> None:
    lists = after_rotation(a_document(*(NOW - days * ONE_DAY for days in (1, 200, 300, 400))))[1]

    assert {(one.kept, one.dropped) for one in lists.values()} == {(2, 2)}


def test_a_list_out_of_order_loses_nothing_that_was_used_lately() -> None:
    # The second is used from yesterday on; until then the third was.
    times = (NOW + ONE_DAY, NOW - ONE_DAY, NOW - 300 * ONE_DAY, NOW - 200 * ONE_DAY)
    document = a_document(*times)

    after, _ = after_rotation(document)

    assert after["signing_keys"][1:] == document["signing_keys"][:3]


def test_longer_lives_keep_keys_for_longer() -> None:
    document = a_document(NOW - 100 * ONE_DAY, NOW - 900 * ONE_DAY)

    assert after_rotation(document)[1]["signing_keys"].dropped == 1
    longer = replace(LIVES, access_tokens=100 * ONE_DAY)
    assert after_rotation(document, longer)[1]["signing_keys"].dropped == 0


def test_a_derived_refresh_key_is_written_down_and_goes_on_to_count() -> None:
    document = a_document(NOW - ONE_DAY)
    del document["refresh_keys"]
    derived = secrets_of(document).refresh_keys

    after, lists = after_rotation(document)

    assert secrets_of(after).refresh_keys[1:] == derived
    assert lists["refresh_keys"].kept == 1


def test_the_derived_refresh_key_is_always_the_same_and_tells_nothing_of_the_index_key() -> None:
    document = a_document(NOW)
    index_key = secrets_of(document).index_key.key
    del document["refresh_keys"]

    (derived,), (again,) = (secrets_of(document).refresh_keys for _ in range(2))

    assert derived == again
    assert len(derived.key) == 32
    assert derived.key != index_key
    document["index_key"] = fresh_key(NOW)
    assert secrets_of(document).refresh_keys[0].key != derived.key
