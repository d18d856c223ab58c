"""Changes of the phone: what can be undone after them, and who keeps a role."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.identities.phone_change import UNDO_PERIOD, PhoneChange, PhoneChangeStep
from domain.identities.phone_changes import PhoneChanges
from tests.support.builders import NOW, a_phone

SECOND = timedelta(seconds=1)
FIRST, SECOND_ONE, THIRD = (NOW + UNDO_PERIOD + SECOND * number for number in range(3))
EARLIER = PhoneChanges(undo_deadlines=(NOW, FIRST, SECOND_ONE), next_allowed_at=NOW)


def a_change(**options: Any) -> PhoneChange:
    return PhoneChange(
        new_phone=a_phone(2), old_phone=a_phone(), started_at=NOW, attempted_at=NOW, **options
    )


@pytest.mark.parametrize(
    ("options", "deadlines"),
    [
        ({"undo_until": THIRD}, (FIRST, SECOND_ONE, THIRD)),
        ({}, (FIRST, SECOND_ONE)),
        ({"is_by_operator": True, "undo_until": THIRD}, (FIRST, SECOND_ONE, THIRD)),
        ({"is_by_operator": True}, ()),
        ({"is_undo": True, "undo_until": SECOND_ONE}, (FIRST,)),
        ({"is_undo": True, "undo_until": FIRST}, ()),
        ({"is_undo": True, "is_disown": True}, ()),
    ],
)
def test_a_change_decides_which_earlier_ones_can_still_be_undone(
    options: dict[str, Any], deadlines: tuple[datetime, ...]
) -> None:
    change = a_change(**options)
    begun = EARLIER.start(change)
    assert begun == replace(EARLIER, under_way=change)
    assert begun.assigns_next(change)
    assert not EARLIER.assigns_next(change)

    later = NOW + SECOND
    released = replace(change, step=PhoneChangeStep.RELEASE, attempted_at=later)
    allowed_at = later + UNDO_PERIOD if change.is_undo else NOW
    assigned = begun.assign(change, later)
    assert assigned == PhoneChanges(released, deadlines, allowed_at)
    assert not assigned.assigns_next(released)
    assert assigned.advance(None).under_way is None


def test_the_order_of_deadlines_is_that_of_changes_although_a_clock_was_set_back() -> None:
    begun = EARLIER.start(a_change(undo_until=FIRST))
    assert begun.under_way == a_change(undo_until=SECOND_ONE + timedelta(milliseconds=1))
    undo = a_change(is_undo=True, undo_until=FIRST)
    assert EARLIER.start(undo).under_way == undo


def test_after_a_disowned_number_nothing_can_be_undone_and_deletion_keeps_what_is_under_way() -> (
    None
):
    begun = EARLIER.start(a_change())
    assert begun.disown() == replace(begun, undo_deadlines=())
    assert begun.keep_remains() == PhoneChanges(a_change())


@pytest.mark.parametrize(
    ("options", "is_kept"),
    [
        ({}, True),
        ({"is_by_operator": True}, False),
        ({"is_undo": True, "undo_until": SECOND_ONE}, True),
        ({"is_undo": True, "undo_until": FIRST}, False),
        ({"is_undo": True, "is_disown": True, "undo_until": SECOND_ONE}, False),
        ({"is_undo": True, "is_disown": True}, False),
    ],
)
def test_a_role_stays_when_its_owner_changes_the_number_or_undoes_a_later_change(
    options: dict[str, Any], *, is_kept: bool
) -> None:
    """The role was given between two changes."""
    assert a_change(**options).keeps_role(FIRST) is is_kept
