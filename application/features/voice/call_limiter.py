"""The limits of inbound calls, and their security events."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from application.code_derivation import CodeDerivation
from application.limits.limit_alerts import LimitAlerts
from application.ports.errors import StorageError
from application.ports.limits import LimitStore
from application.ports.security_events import PhoneEvent, RejectionEvent, SecurityEvents
from application.ports.system import Clock
from domain.features.voice.call_texts import CallTexts
from domain.features.voice.instructions import CallLimits
from domain.features.voice.menu import skip_line_operator
from domain.features.voice.step import ClaimedCaller, DialResult, Step
from domain.otp.delivery import Channel
from domain.otp.rate_limits import RateLimit
from domain.phone import PhoneNumber


@dataclass(frozen=True, kw_only=True)
class CallRejected(RejectionEvent):
    """The caller heard a busy tone, or no line to the line operator was free."""

    name = "call_rejected"
    is_warning = True
    phone: PhoneNumber | None

    @property
    def country(self) -> str:
        return self.phone.country if self.phone else ""


@dataclass(frozen=True, kw_only=True)
class CallerRegistered(PhoneEvent):
    """Somebody joined by a call."""

    name = "caller_registered"
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimiter:
    """Acquire permits of calls.

    - A line is acquired before the call is connected to the line operator, and released when that
      call or the whole call ends. If both reports are lost, it is free again after the longest
      possible call.
    """

    limit_store: LimitStore
    codes: CodeDerivation
    clock: Clock
    events: SecurityEvents
    alerts: LimitAlerts
    limits: CallLimits
    texts: CallTexts
    has_line_operator: bool

    async def acquire_call(self, caller: ClaimedCaller) -> datetime | None:
        """Acquire the permits of an inbound call. Return when; None if it is over the limits."""
        return await self._acquire(self._limits_of_call(caller))

    async def report_rejection(self, caller: ClaimedCaller) -> None:
        await self._record_rejection(caller, self._limits_of_call(caller))

    async def acquire_line(self, step: Step, caller: ClaimedCaller) -> tuple[Step, datetime | None]:
        """Reserve a line if a step connects the caller to the line operator.

        Returns:
            The step and when the line was acquired. Without a line, a step that goes on as if the
            line operator were busy; without a line operator, as if nobody answered.
        """
        if not step.dials:
            return step, None
        if not self.has_line_operator:
            return skip_line_operator(self.texts, step, caller, DialResult.FAILED), None
        limits = self._limits_of_line(caller)
        acquired_at = await self._acquire(limits)
        if acquired_at is not None:
            return step, acquired_at
        await self._record_rejection(caller, limits)
        return skip_line_operator(self.texts, step, caller, DialResult.BUSY), None

    async def release_call(self, caller: ClaimedCaller, acquired_at: datetime) -> None:
        await self._release(self._limits_of_call(caller), acquired_at)

    async def cancel_line(self, caller: ClaimedCaller, acquired_at: datetime | None) -> None:
        """Release the permits of a line that was acquired then, and is not used."""
        await self._release(self._limits_of_line(caller), acquired_at)

    async def release_line(self, acquired_at: datetime | None) -> None:
        """Release the line of a call that got one then, after an update has cleared it."""
        await self._release([self.limits.of_lines], acquired_at)

    async def _acquire(self, limits: Sequence[RateLimit]) -> datetime | None:
        now = self.clock.now()
        return now if await self.limit_store.acquire(limits, now) is None else None

    async def _release(self, limits: Sequence[RateLimit], acquired_at: datetime | None) -> None:
        """Release permits that no call holds. If that fails, they expire."""
        if acquired_at is not None:
            with suppress(StorageError):
                await self.limit_store.release(limits, acquired_at)

    async def _record_rejection(self, caller: ClaimedCaller, limits: Sequence[RateLimit]) -> None:
        limit, _ = await self.alerts.name_used_limit(limits, self.clock.now())
        self.events.record(CallRejected(phone=caller.phone, channel=Channel.VOICE, limit=limit))

    def _limits_of_call(self, caller: ClaimedCaller) -> Sequence[RateLimit]:
        return self.limits.for_call(self._key_of(caller))

    def _limits_of_line(self, caller: ClaimedCaller) -> Sequence[RateLimit]:
        return self.limits.for_line_operator_call(self._key_of(caller))

    def _key_of(self, caller: ClaimedCaller) -> str | None:
        return self.codes.phone_key(caller.phone) if caller.phone else None
