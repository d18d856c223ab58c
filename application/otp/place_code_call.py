"""Place the call that reads a code, or imitate that for a blocked phone."""

from contextlib import suppress
from dataclasses import dataclass

from application.otp.delivery_timing import DeliveryTimingProfile
from application.ports.call_provider import CallProvider
from application.ports.calls import Calls
from application.ports.errors import CorruptRecord, StorageError
from application.ports.messenger import DeliveryResult, DeliveryStatus
from application.ports.system import Clock
from application.update import update_call
from application.webhook_urls import WebhookUrls
from domain.phone import PhoneNumber
from domain.voice.call import Call, CallDirection, CallStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCodeCallCommand:
    """A call with the code of a challenge.

    - `report_id` is set if the call is a delivery, and not a callback.
    - `locale` is the one that the request named. Without it, that of the country is used.
    - `is_suppressed` says that the phone is blocked.
    """

    phone: PhoneNumber
    call_id: str
    challenge_id: str
    identity_id: str | None
    report_id: str | None = None
    locale: str | None = None
    is_suppressed: bool = False


@dataclass(frozen=True, slots=True)
class PlaceCodeCall:
    """Call a phone to read a code.

    - The call is recorded before it is placed, so that its first request finds it.
    - It is placed at most once. Without a response of the provider it may ring, so it counts.
    - Nothing is placed or recorded for a blocked phone. Result and duration are imitated instead.
    """

    calls: Calls
    call_provider: CallProvider
    webhook_urls: WebhookUrls
    timing: DeliveryTimingProfile
    clock: Clock

    async def __call__(self, command: PlaceCodeCallCommand) -> DeliveryResult:
        """Place the call.

        Raises:
            StorageError: no call was placed.
        """
        country = command.phone.country
        if command.is_suppressed:
            return await self.timing.imitate(country)
        # What is written is a part of the duration, because a suppressed call writes nothing.
        return await self.timing.record(country, self._place(command))

    async def _place(self, command: PlaceCodeCallCommand) -> DeliveryResult:
        call = Call(
            id=command.call_id,
            direction=CallDirection.OUTBOUND,
            started_at=self.clock.now(),
            identity_id=command.identity_id,
            challenge_id=command.challenge_id,
            report_id=command.report_id,
            locale=command.locale,
        )
        if not await self.calls.add(call):
            return DeliveryResult(DeliveryStatus.UNKNOWN, "The call was placed before.")
        placed = await self.call_provider.place_call(
            command.phone,
            self.webhook_urls.code_call(call.id),
            self.webhook_urls.call_status(call.id),
        )
        # The requests of the call do not need what is recorded now.
        with suppress(StorageError, CorruptRecord):
            if not await self.calls.replace(self._record(call, placed), 1):
                await update_call(self.calls, call.id, lambda call: self._record(call, placed))
        return placed

    def _record(self, call: Call, placed: DeliveryResult) -> Call:
        match placed.status:
            case DeliveryStatus.ACCEPTED:
                return call.set_provider_call_id(placed.provider_call_id)
            case DeliveryStatus.REJECTED | DeliveryStatus.INVALID_NUMBER:
                return call.advance_status(CallStatus.FAILED, self.clock.now())
            case DeliveryStatus.UNKNOWN:
                return call
