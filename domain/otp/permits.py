"""What a delivery holds of the limits that many phones share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

UNVERIFIED: Final = "unverified"
ALL: Final = "all"
BY_CALL: Final = "by_call"
"""The groups of limits that have parts."""
REQUESTER: Final = "requester"
"""The limits of the IP, or of the recognized phone, that requested a delivery."""
CODES_OF_IDENTITY: Final = "codes_of_identity"
"""The limit of codes for one identity only: for a change of its phone."""


class Recognition(StrEnum):
    """How it is known that a request probably comes from the owner of the phone's identity."""

    NONE = "none"
    TRUSTED_IP = "trusted_ip"
    DEVICE = "device"


class Outcome(StrEnum):
    """What became of a delivery."""

    LOGIN = "login"
    """Its code was used."""
    REJECTED_FOR_RECIPIENT = "rejected_for_recipient"
    """The provider rejected the number or the message."""
    REJECTED_FOR_US = "rejected_for_us"
    """The provider rejected this account, or has a fault. Nobody can cause that by a number."""
    NO_CONNECTION = "no_connection"
    """No provider was reached."""
    EXPIRED = "expired"
    """Nothing happened until it no longer counts."""


_BY_LOGIN: Final = frozenset({UNVERIFIED, REQUESTER})
_FOR_RECIPIENT: Final = _BY_LOGIN | {CODES_OF_IDENTITY}
_WITHOUT_PROVIDER: Final = _FOR_RECIPIENT | {ALL, BY_CALL}
_GIVEN_BACK: Final[Mapping[Outcome, frozenset[str]]] = {
    Outcome.LOGIN: _BY_LOGIN,
    Outcome.REJECTED_FOR_RECIPIENT: _FOR_RECIPIENT,
    Outcome.REJECTED_FOR_US: _WITHOUT_PROVIDER,
    Outcome.NO_CONNECTION: _WITHOUT_PROVIDER,
    Outcome.EXPIRED: frozenset(),
}
_KEPT_FOR_RECIPIENT: Final = frozenset({"ip", "network", "range"})
"""The subjects whose permits are kept if the provider rejects the recipient."""


@dataclass(frozen=True, slots=True)
class UsedPart:
    """The part of a group of limits that a permit was acquired in."""

    group: str
    part: str


@dataclass(frozen=True, slots=True)
class Permits:
    """The permits that a delivery acquired. `settle` says what is released.

    - The update that ends what holds them clears them. Only the process whose update won releases
      them, so they are released once. If it is killed in between, they expire.
    - A delivery to a test phone has no parts: it holds the permits of its IP only.
    """

    acquired_at: datetime
    parts: tuple[UsedPart, ...] = ()

    def part_of(self, group: str) -> str | None:
        """Return the part that was used of a group, None if nothing was acquired of it."""
        return next((used.part for used in self.parts if used.group == group), None)


@dataclass(frozen=True, slots=True)
class Settlement:
    """Which permits are given back. The others are kept until they expire.

    Attributes:
        parts: The parts of the groups that were used.
        kept_subjects: The kinds of subjects whose permits are kept all the same.
    """

    groups: frozenset[str]
    parts: tuple[UsedPart, ...]
    kept_subjects: frozenset[str]


def settle(permits: Permits, outcome: Outcome) -> Settlement:
    """Return which permits are given back.

    - After a login: those of unverified deliveries and of the requester. Those of all deliveries
      and of calls are kept: they limit the costs.
    - If the provider rejected the recipient: in addition those of the codes of an identity. Those
      of IP, network and range are kept in all groups: numbers that a provider rejects are not free.
    - If the provider rejected us, or there was no connection: all.
    - If it expired: none.
    """
    groups = _GIVEN_BACK[outcome]
    is_for_recipient = outcome is Outcome.REJECTED_FOR_RECIPIENT
    return Settlement(
        groups,
        tuple(used for used in permits.parts if used.group in groups),
        _KEPT_FOR_RECIPIENT if is_for_recipient else frozenset(),
    )
