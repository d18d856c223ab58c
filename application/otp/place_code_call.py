"""Place the call that reads a code, or imitate that for a blocked phone."""

from contextlib import suppress
from dataclasses import dataclass

from application.otp.delivery_timing import DeliveryTimingProfile
from application.ports.errors import CorruptRecord, StorageError
from application.ports.otp import DeliveryResult, DeliveryStatus
from application.ports.system import Clock
from application.ports.voice import CallProvider, Calls
from application.update import update_call
from application.webhook_urls import WebhookUrls
from domain.phone import PhoneNumber
from domain.voice.call import Call, CallStatus


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

    async def __call__(
        self, phone: PhoneNumber, call: Call, *, is_suppressed: bool
    ) -> DeliveryResult:
        """Place the call.

        Args:
            phone: the phone to call.
            call: the call. It has a report if it is a delivery, and not a callback.
            is_suppressed: whether the phone is blocked.

        Raises:
            StorageError: no call was placed.
        """
        if is_suppressed:
            return await self.timing.imitate(phone.country)
        # What is written is a part of the duration, because a suppressed call writes nothing.
        return await self.timing.record(phone.country, self._place(phone, call))

    async def _place(self, phone: PhoneNumber, call: Call) -> DeliveryResult:
        if not await self.calls.add(call):
            return DeliveryResult(DeliveryStatus.UNKNOWN, "The call was placed before.")
        placed = await self.call_provider.place_call(
            phone,
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
