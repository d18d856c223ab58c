"""Which limits a rule may change.

Those that are not here stay as the settings say: limits of one phone, one account, one IP or
network and one service token, those of attempts by IP, those of proofs, and those of calls that the
phone line answers or connects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.otp import named_limits as names

MAX_RAISE: Final = 2
"""How many times its setting a limit may be."""


class SubjectKind(StrEnum):
    """What a rule is about. The values are stored."""

    PREFIX = "prefix"
    NETWORK = "network"
    COUNTRY = "country"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class ChangeableLimit:
    """A limit that a rule may lower.

    Attributes:
        subject_kind: What a rule about it names.
        may_raise: Whether a rule may also raise it. Attempts are guesses, and a larger share of one
            number range would be what number ranges are limited for.
    """

    subject_kind: SubjectKind
    may_raise: bool = True


CHANGEABLE_LIMITS: Final[Mapping[str, ChangeableLimit]] = {
    names.UNVERIFIED_PER_COUNTRY: ChangeableLimit(SubjectKind.COUNTRY),
    names.UNVERIFIED_TOTAL: ChangeableLimit(SubjectKind.TOTAL),
    names.ALL_PER_COUNTRY: ChangeableLimit(SubjectKind.COUNTRY),
    names.ALL_TOTAL: ChangeableLimit(SubjectKind.TOTAL),
    names.CALLS_PER_COUNTRY: ChangeableLimit(SubjectKind.COUNTRY),
    names.CALLBACKS_PER_COUNTRY: ChangeableLimit(SubjectKind.COUNTRY),
    names.CALLBACKS_TOTAL: ChangeableLimit(SubjectKind.TOTAL),
    names.LEAVING_MESSAGES_PER_COUNTRY: ChangeableLimit(SubjectKind.COUNTRY),
    names.FAILED_ATTEMPTS_PER_COUNTRY: ChangeableLimit(SubjectKind.COUNTRY, may_raise=False),
    names.FAILED_ATTEMPTS_TOTAL: ChangeableLimit(SubjectKind.TOTAL, may_raise=False),
    names.PER_NUMBER_RANGE: ChangeableLimit(SubjectKind.PREFIX, may_raise=False),
}
"""By the names that metrics and the log have."""
