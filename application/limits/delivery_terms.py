"""What features make of the reservation of a delivery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from domain.otp.rate_limits import DeliveryRoute, Reservation
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedDelivery:
    """A delivery that is asked for, to a phone without a fixed code.

    Attributes:
        phone: The phone.
        route: Where the delivery comes from and goes to.
        recognition: How the client is recognized.
        channel: How the code is delivered.
        next_channels: Those that are tried after it, where it cannot deliver the code.
        is_by_operator: Whether an operator requests it for a user.
        parts: The parts of the message; 0 if they are not known.
    """

    phone: PhoneNumber
    route: DeliveryRoute
    recognition: Recognition
    channel: Channel
    next_channels: Sequence[Channel] = ()
    is_by_operator: bool = False
    parts: int = 0


class DeliveryTerms(Protocol):
    """What a feature makes of the reservation of a delivery.

    It has other parts, other sizes or more limits. Names and periods of existing windows stay: by
    these the permits are released.
    """

    def change(self, reservation: Reservation, delivery: RequestedDelivery) -> Reservation:
        """Return the changed reservation, at once: from memory.

        Args:
            reservation: What the settings or rules of operators make of the delivery, and the
                terms of other features. Its `ruling` stays.
            delivery: The delivery.
        """
        ...


def apply_terms(
    reservation: Reservation, changes: Sequence[Callable[[Reservation], Reservation]]
) -> Reservation:
    """Return a reservation with these changes, also at later times and as without rules."""
    if not changes:
        return reservation
    changed = reservation
    for change in changes:
        changed = change(changed)
    ruling = reservation.ruling
    if ruling is None:
        return changed
    later = ruling.later and apply_terms(ruling.later, changes)
    of_settings = apply_terms(ruling.of_settings, changes)
    return replace(changed, ruling=replace(ruling, of_settings=of_settings, later=later))
