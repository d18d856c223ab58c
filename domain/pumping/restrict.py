"""What a warning makes of the reservation of a stranger."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from domain.otp.permits import UNVERIFIED
from domain.otp.rate_limits import (
    ATTESTED,
    RESTRICTED_GROUPS,
    STRANGERS,
    Group,
    Part,
    RateLimit,
    Reservation,
    Restriction,
)
from domain.otp.sliding_window import SlidingWindow
from domain.pumping.warning import PumpingWarning

PUMPING: Final = "pumping"
"""The name of the restriction, and of the sample."""
SAMPLE_PART: Final = 0.05
"""How many of the phones of strangers are served as before."""
SAMPLE_PERCENT: Final = 10
"""Which part of the limit of strangers these have, so that they cannot use up all of it."""
MIN_SAMPLE_LIMIT: Final = 3
"""The least that the sample has, and one network of it."""
SMALLER_PERCENT: Final = 20
"""What is left of the limits of strangers where no proof can be asked for."""
_SAMPLE_LIMIT: Final = "pumping_sample"


def restrict(
    reservation: Reservation, warning: PumpingWarning, *, is_sampled: bool, has_proofs: bool
) -> Reservation:
    """Return the reservation of a stranger under a warning.

    - Where clients can be asked for a proof, there is no permit without one. A proof gets the part
      of strangers too, after its own.
    - Elsewhere the part of strangers is a fifth: for the number range, or for the country with its
      ranges and with each network. A network has one window for all countries.
    - The sample has the part of strangers as before, up to a limit of its own.

    Names and periods of windows stay, so that permits are released as usual.

    Args:
        reservation: The reservation without the warning.
        warning: The warning.
        is_sampled: Whether the phone is in the sample.
        has_proofs: Whether clients can be asked for a proof.
    """
    needs_proof = has_proofs and not is_sampled
    subjects = ("range",) if warning.number_range else ("country", "range", "network")

    def change(group: Group) -> Group:
        if group.name not in RESTRICTED_GROUPS:
            return group
        if needs_proof:
            parts = sorted(group.parts, key=lambda part: part.name != ATTESTED)
            return replace(group, parts=tuple(parts))
        of_strangers = [part for part in group.parts if part.name == STRANGERS]
        others = [part for part in group.parts if part.name != STRANGERS]
        smaller = [_make_smaller(part, subjects) for part in of_strangers]
        if is_sampled:
            sampled = of_strangers
            if group.name == UNVERIFIED:
                sampled = [_add_sample_limits(part, subjects[0]) for part in of_strangers]
            smaller = sampled if has_proofs else [*sampled, *smaller]
        return replace(group, parts=(*smaller, *others))

    restriction = Restriction(name=PUMPING, until=warning.ends_at, needs_proof=needs_proof)
    groups = tuple(change(group) for group in reservation.groups)
    return replace(reservation, groups=groups, restriction=restriction)


def _make_smaller(part: Part, subjects: Collection[str]) -> Part:
    limits = tuple(
        replace(limit, window=limit.window.scale_percent(SMALLER_PERCENT))
        if limit.subject_kind in subjects
        else limit
        for limit in part.limits
    )
    return replace(part, limits=limits)


def _add_sample_limits(part: Part, subject_kind: str) -> Part:
    """Return the part with limits of the sample: tenths of those of a network and the subject."""
    name = f"{UNVERIFIED}:{STRANGERS}"
    of_sample = [
        RateLimit(limit.subject, limit.purpose, _SAMPLE_LIMIT, _of_sample(limit.window))
        for limit in part.limits
        if limit.subject_kind in ("network", subject_kind) and limit.name == name
    ]
    return replace(part, limits=(*part.limits, *of_sample))


def _of_sample(window: SlidingWindow) -> SlidingWindow:
    smaller = window.scale_percent(SAMPLE_PERCENT)
    return replace(smaller, limit=max(smaller.limit, MIN_SAMPLE_LIMIT))
