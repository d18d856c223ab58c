"""Limit the calls that are answered, and the lines to the operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.otp.codes import OtpCodes
from application.otp.permits import release_permits
from application.ports.otp import RateLimiter
from application.ports.system import Clock, Randomness, SecurityEvents, SecurityEventType
from domain.otp.rate_limits import RateLimit, Reservation
from domain.voice.call_limits import CallLimits
from domain.voice.flow import CallFlow, DialResult
from domain.voice.walk import Caller, Step, skip_operator

RESERVATION_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimiter:
    """Acquire permits of calls: in the part of verified numbers first, then in that of everybody.

    - A line to the operator is reserved before the call is connected, and released when the call
      to the operator or the whole call ends. Where both reports are lost it is free again after
      the longest possible call.
    - A caller who gets no line hears that the operator is busy.
    """

    rate_limiter: RateLimiter
    codes: OtpCodes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    limits: CallLimits
    flow: CallFlow
    has_operator: bool

    async def acquire_call(self, caller: Caller) -> Reservation | None:
        """Acquire the permits of an inbound call; None if it is over the limits.

        Raises:
            StorageError
        """
        key, is_verified = self._describe(caller)
        return await self._acquire(self.limits.for_inbound_call(key, is_verified=is_verified))

    async def reserve_line(self, step: Step, caller: Caller) -> tuple[Step, Reservation | None]:
        """Reserve a line if a step connects the caller to the operator.

        Returns:
            The step and the reservation. Without a line, a step that goes on as if the operator
            were busy; without an operator, as if nobody answered.

        Raises:
            StorageError
        """
        if not step.dials:
            return step, None
        if not self.has_operator:
            return skip_operator(self.flow, step, caller, DialResult.FAILED), None
        key, is_verified = self._describe(caller)
        longest = self.flow.max_operator_time
        limits = self.limits.for_operator_call(key, longest, is_verified=is_verified)
        if reservation := await self._acquire(limits):
            return step, reservation
        self.events.emit(SecurityEventType.CALL_REJECTED, phone=caller.phone)
        return skip_operator(self.flow, step, caller, DialResult.BUSY), None

    async def release(self, reservation: Reservation | None) -> None:
        """Release all permits of a reservation that was not used."""
        await release_permits(self.rate_limiter, reservation)

    async def release_line(self, reservation_id: str | None) -> None:
        """Release the line of a reservation after the call to the operator ended."""
        if reservation_id is not None:
            lines = self.limits.lines(self.flow.max_operator_time)
            reservation = Reservation(reservation_id, self.clock.now(), lines)
            await release_permits(self.rate_limiter, reservation)

    def _describe(self, caller: Caller) -> tuple[str | None, bool]:
        key = self.codes.phone_key(caller.phone) if caller.phone else None
        return key, caller.is_verified

    async def _acquire(self, alternatives: Sequence[tuple[RateLimit, ...]]) -> Reservation | None:
        for limits in alternatives:
            reservation_id = self.randomness.bytes(RESERVATION_ID_BYTES).hex()
            reservation = Reservation(reservation_id, self.clock.now(), limits)
            if await self.rate_limiter.acquire(reservation) is None:
                return reservation
        return None
