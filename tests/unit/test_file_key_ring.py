"""Which entry of a list is used for what is made now."""

from datetime import timedelta

import pytest

from adapters.secrets_file.ring import FileKeyRing
from application.ports.key_ring import Key
from tests.support.builders import NOW
from tests.support.fakes.clock import MovableClock

A_MINUTE = timedelta(minutes=1)
A_MILLISECOND = timedelta(milliseconds=1)


def signing(*minutes: int) -> int:
    """The place in its list of the key that signs now; of each is said when it may be used."""
    keys = tuple(Key(f"{at:08x}", NOW + one * A_MINUTE, b"") for at, one in enumerate(minutes))
    ring = FileKeyRing(lambda: keys, MovableClock(NOW))
    return keys.index(ring.signing())


@pytest.mark.parametrize(
    ("minutes", "place"),
    [
        ((0,), 0),
        ((0, -5), 0),
        ((1, 0, -5), 1),
        ((2, 1, 0, -5), 2),
        ((1, 1, -5, -9), 2),
        ((-5, 0), 0),
    ],
)
def test_the_newest_key_signs_whose_time_has_come(minutes: tuple[int, ...], place: int) -> None:
    assert signing(*minutes) == place


def test_where_no_keys_time_has_come_the_oldest_signs() -> None:
    assert signing(3, 2, 1) == 2
    assert signing(1) == 0


def test_a_key_signs_from_its_time_on_and_not_a_millisecond_before() -> None:
    new, old = Key("0000000b", NOW, b""), Key("0000000a", NOW - A_MINUTE, b"")
    clock = MovableClock(NOW - A_MILLISECOND)
    ring = FileKeyRing(lambda: (new, old), clock)

    assert ring.signing() is old
    clock.advance(A_MILLISECOND)
    assert ring.signing() is new


def test_every_key_is_accepted_also_one_that_does_not_sign_yet() -> None:
    keys = (Key("0000000b", NOW + A_MINUTE, b""), Key("0000000a", NOW, b""))

    assert FileKeyRing(lambda: keys, MovableClock(NOW)).accepted() is keys
