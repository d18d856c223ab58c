"""Count codes that are sent and entered, in memory."""

from collections.abc import Callable
from dataclasses import dataclass

from application.otp.extensions import CountedCode
from application.ports.system import Clock
from domain.conversion.counts import ConversionCell, ConversionGroup, ConversionSums
from domain.conversion.provider_states import CONVERSION
from domain.otp.delivery import Channel
from domain.otp.permits import Recognition


@dataclass(frozen=True, slots=True, kw_only=True)
class CountConversion:
    """Count codes. It waits for nothing and never raises.

    A code may be in the sample of phones of another feature. Otherwise it may be in that of the
    other providers.

    Attributes:
        sums: Where they are counted.
        is_sampled: Returns whether a message of a channel is in the random sample of a provider
            that is not the first, by its fraction; None if nothing is chosen.
        clock: The clock.
    """

    sums: ConversionSums
    is_sampled: Callable[[Channel, float], bool] | None
    clock: Clock

    def __call__(self, counted: CountedCode) -> None:
        """Count a code."""
        is_of_other = self.is_sampled and self.is_sampled(counted.channel, counted.fraction)
        cell = ConversionCell(
            counted.country,
            counted.channel,
            counted.provider,
            group_of(counted),
            counted.number_range,
            counted.network,
            counted.sample or (CONVERSION if is_of_other else ""),
        )
        now, is_entered = self.clock.now(), counted.is_entered
        self.sums.add(now, cell, counted.sent_at, is_entered=is_entered)


def group_of(counted: CountedCode) -> ConversionGroup:
    """Return who requested a code."""
    if counted.recognition is not Recognition.NONE:
        return ConversionGroup.RECOGNIZED
    return ConversionGroup.PROVEN if counted.has_proof else ConversionGroup.STRANGER
