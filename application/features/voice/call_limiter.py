"""Limit the calls that are answered, and the lines to who answers them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.features.voice.events import CallRejected
from application.limits.limit_alerts import LimitAlerts
from application.otp_codes import OtpCodes
from application.ports.errors import StorageError
from application.ports.limits import LimitStore
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from domain.features.voice.call_limits import CallLimits
from domain.features.voice.call_texts import CallTexts
from domain.features.voice.menu import skip_line_operator
from domain.features.voice.step import ClaimedCaller, DialResult, Step
from domain.otp.delivery import Channel
from domain.otp.rate_limits import Acquisition, Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimiter:
    """Acquire permits of calls.

    - A line is reserved before the call is connected to the line operator, and released when that
      call or the whole call ends. Where both reports are lost it is free again after
      the longest possible call.
    - A caller who gets no line hears that the line operator is busy.
    """

    limit_store: LimitStore
    codes: OtpCodes
    clock: Clock
    events: SecurityEvents
    alerts: LimitAlerts
    limits: CallLimits
    texts: CallTexts
    has_line_operator: bool

    async def acquire_call(self, caller: ClaimedCaller) -> Acquisition | None:
        """Acquire the permits of an inbound call; None if it is over the limits.

        Raises:
            StorageError
        """
        [acquired] = await self.limit_store.acquire(self._reserve_call(caller))
        return acquired if isinstance(acquired, Acquisition) else None

    async def report_rejection(self, caller: ClaimedCaller) -> None:
        """Report an inbound call that is over the limits."""
        await self._record_rejection(caller, self._reserve_call(caller))

    async def reserve_line(
        self, step: Step, caller: ClaimedCaller
    ) -> tuple[Step, Acquisition | None]:
        """Reserve a line if a step connects the caller to the line operator.

        Returns:
            The step and what was acquired. Without a line, a step that goes on as if the line
            operator were busy; without a line operator, as if nobody answered.

        Raises:
            StorageError
        """
        if not step.dials:
            return step, None
        if not self.has_line_operator:
            return skip_line_operator(self.texts, step, caller, DialResult.FAILED), None
        limits = self.limits.for_line_operator_call(self._key_of(caller))
        reservation = Reservation(self.clock.now(), limits)
        [acquired] = await self.limit_store.acquire(reservation)
        if isinstance(acquired, Acquisition):
            return step, acquired
        await self._record_rejection(caller, reservation)
        return skip_line_operator(self.texts, step, caller, DialResult.BUSY), None

    def _reserve_call(self, caller: ClaimedCaller) -> Reservation:
        return Reservation(self.clock.now(), self.limits.for_call(self._key_of(caller)))

    async def _record_rejection(self, caller: ClaimedCaller, reservation: Reservation) -> None:
        limit, _ = await self.alerts.name_used_limit(reservation)
        self.events.record(CallRejected(phone=caller.phone, channel=Channel.VOICE, limit=limit))

    async def release(self, acquired: Acquisition | None) -> None:
        """Release permits that no call holds. Where that fails they expire."""
        if acquired is not None and acquired.limits:
            with suppress(StorageError):
                await self.limit_store.release(acquired)

    async def release_line(self, acquired_at: datetime | None) -> None:
        """Release the line of a call that got one then, after an update has cleared it."""
        if acquired_at is not None:
            await self.release(Acquisition(acquired_at, (self.limits.of_lines,)))

    def _key_of(self, caller: ClaimedCaller) -> str | None:
        return self.codes.phone_key(caller.phone) if caller.phone else None
