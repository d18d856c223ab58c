"""Call a phone to read a code."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from application.features.voice.call_urls import CallUrls
from application.features.voice.ports import CallProvider, Calls
from application.otp.extensions import CodeDelivery
from application.otp.provider_pause import PAUSED, ProviderPause
from application.ports.errors import CorruptRecord, StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import DeliveryResult, DeliveryStatus, PausedProvider
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.tasks import call_adapter
from application.update import change
from application.webhook_urls import PhoneLabels
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.otp.message_preferences import normalize_locale

_CALL_TIMEOUT: Final = 15.0
"""Seconds, as the port promises."""
_NO_RESPONSE: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The provider of calls does not respond."
)


@dataclass(frozen=True, slots=True)
class PlaceCodeCall:
    """Call a phone to read a code.

    The call is recorded before it is placed, so that its first request finds it.
    """

    calls: Calls
    call_provider: CallProvider
    call_urls: CallUrls
    keyed_hashes: KeyedHashes
    clock: Clock
    pause: ProviderPause
    provider: str

    def find_pause(self) -> PausedProvider | None:
        return self.pause.paused

    async def __call__(self, code: CodeDelivery) -> DeliveryResult:
        """Place the call that delivers a code which a client asked for.

        Raises:
            StorageError: no call was placed.
        """
        phone, delivery = code.phone, code.delivery
        call = Call(
            id=delivery.call_id or "",
            direction=CallDirection.OUTBOUND,
            started_at=self.clock.now(),
            identity_id=code.identity_id,
            challenge_id=code.challenge.id,
            report_id=delivery.report_id,
            # Without a locale, that of the country is used.
            locale=normalize_locale(code.preferences.locale),
        )
        if not self.pause.begin_call():
            return PAUSED
        if not await self.calls.add(call):
            return DeliveryResult(DeliveryStatus.UNKNOWN, "The call was placed before.")
        today = self.clock.now().date()
        labels = PhoneLabels(phone.country, self.keyed_hashes.hash_phone_of_day(phone, today))
        place = partial(
            self.call_provider.place_call,
            phone,
            self.call_urls.code_call(call.id),
            self.call_urls.call_status(call.id, labels),
        )
        try:
            placed = await call_adapter("place_call", place, _CALL_TIMEOUT)
        except TimeoutError:
            placed = _NO_RESPONSE
        self.pause.record(placed)
        # The requests of the call do not need what is recorded now.
        with suppress(StorageError, CorruptRecord):
            await change(
                self.calls,
                call.id,
                lambda found: (found and self._record(found, placed), None),
                loaded=Versioned(call, 1),
            )
        return placed

    def _record(self, call: Call, placed: DeliveryResult) -> Call:
        match placed.status:
            case DeliveryStatus.ACCEPTED:
                return call.set_provider_call_id(placed.provider_call_id)
            case DeliveryStatus.UNKNOWN:
                return call
            case _:
                return call.advance_status(CallStatus.FAILED, self.clock.now())
