"""What is given back of permits, for each outcome and each group."""

from typing import Final

import pytest

from domain.otp import permits as groups
from domain.otp.permits import Outcome, Permits, UsedPart, settle
from tests.support.builders import NOW

ALL: Final = "ip network range phone identity country total"
SHARED: Final = "phone identity country total"
NONE: Final = ""
OUTCOMES: Final = (
    (Outcome.LOGIN,),
    (Outcome.REJECTED_FOR_RECIPIENT,),
    (Outcome.REJECTED_FOR_US, Outcome.NO_CONNECTION),
    (Outcome.EXPIRED,),
)
GIVEN_BACK: Final = {
    #                         login recipient us   expired
    groups.UNVERIFIED:        (ALL, SHARED, ALL, NONE),
    groups.REQUESTER:         (ALL, SHARED, ALL, NONE),
    groups.CODES_OF_IDENTITY: (NONE, SHARED, ALL, NONE),
    groups.ALL:               (NONE, NONE, ALL, NONE),
    groups.BY_CALL:           (NONE, NONE, ALL, NONE),
}  # fmt: skip
"""The subjects whose permits are given back."""


@pytest.mark.parametrize("group", GIVEN_BACK)
def test_each_outcome_gives_back_what_the_table_says(group: str) -> None:
    permits = Permits(NOW, (UsedPart(group, "strangers"),))

    for outcomes, subjects in zip(OUTCOMES, GIVEN_BACK[group], strict=True):
        for outcome in outcomes:
            settlement = settle(permits, outcome)
            given_back = set(ALL.split()) - settlement.kept_subjects
            assert (given_back if group in settlement.groups else set()) == set(subjects.split())
            assert settlement.parts == (permits.parts if subjects else ())


def test_the_table_has_each_outcome() -> None:
    assert {outcome for outcomes in OUTCOMES for outcome in outcomes} == set(Outcome)
