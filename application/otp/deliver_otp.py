"""Deliver a code by a message or a call, or imitate that for a blocked phone."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from application.costs.count_costs import CountCosts
from application.otp.codes import OtpCodes
from application.otp.delivery_status import SENT_IS_REPORTED_ID, ReportTimingProfile
from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.provider_pause import PAUSED, ProviderPause
from application.ports.errors import CorruptRecord, StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import (
    DeliveryResult,
    DeliveryStatus,
    MessageProviders,
    RecentMessages,
    SmsTemplates,
)
from application.ports.repositories import DeliveryReports
from application.ports.system import Clock, SecurityEvents, SecurityEventType
from application.ports.voice import CallProvider, Calls
from application.update import update_call
from application.webhook_urls import PhoneLabels, WebhookUrls
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus
from domain.otp.message_preferences import MessagePreferences, normalize_locale
from domain.phone import PhoneNumber
from domain.voice.call import Call, CallDirection, CallStatus

BLOCKED: Final = "blocked"
"""Why a delivery was suppressed, in the log."""
_EVENTS: Final = {
    DeliveryStatus.ACCEPTED: SecurityEventType.OTP_ACCEPTED,
    DeliveryStatus.UNKNOWN: SecurityEventType.OTP_UNCONFIRMED,
}

_log = logging.getLogger(__name__)


def emit_delivery(
    events: SecurityEvents,
    phone: PhoneNumber,
    result: DeliveryResult,
    channel: Channel,
    provider: str,
) -> None:
    """Emit that a provider took a message or call, that it may have, or that none did.

    Args:
        events: Where to.
        phone: The phone.
        result: What the providers did.
        channel: How the code is delivered.
        provider: The name of the provider, where the result does not say it.
    """
    events.emit(
        _EVENTS.get(result.status, SecurityEventType.OTP_REQUEST_REJECTED),
        phone=phone,
        reason=result.reason,
        channel=channel,
        provider=result.provider or provider,
        provider_message_id=result.provider_message_id or result.provider_call_id,
        error_code=result.error_code,
        result=result.status.value,
    )


@dataclass(frozen=True, slots=True)
class PlaceCodeCall:
    """Call a phone to read a code.

    - The call is recorded before it is placed, so that its first request finds it.
    - It is placed at most once. Without a response of the provider it may ring, so it counts. After
      three calls in a row without one, none is placed for a minute.
    - Nothing is placed or recorded for a blocked phone. Result and duration are imitated instead.
    """

    calls: Calls
    call_provider: CallProvider
    webhook_urls: WebhookUrls
    timing: DeliveryTimingProfile
    keyed_hashes: KeyedHashes
    clock: Clock
    pause: ProviderPause
    provider: str

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
        if not self.pause.begin_call():
            return PAUSED
        if not await self.calls.add(call):
            return DeliveryResult(DeliveryStatus.UNKNOWN, "The call was placed before.")
        today = self.clock.now().date()
        labels = PhoneLabels(phone.country, self.keyed_hashes.hash_phone_of_day(phone, today))
        placed = await self.call_provider.place_call(
            phone,
            self.webhook_urls.code_call(call.id),
            self.webhook_urls.call_status(call.id, labels),
        )
        if self.pause.record(placed.status):
            warning = {"event": "provider_paused", "provider": self.provider}
            _log.warning({**warning, "reason": placed.reason})
        # The requests of the call do not need what is recorded now.
        with suppress(StorageError, CorruptRecord):
            if not await self.calls.replace(self._record(call, placed), 1):
                await update_call(self.calls, call.id, lambda call: self._record(call, placed))
        return placed

    def _record(self, call: Call, placed: DeliveryResult) -> Call:
        match placed.status:
            case DeliveryStatus.ACCEPTED:
                return call.set_provider_call_id(placed.provider_call_id)
            case DeliveryStatus.UNKNOWN:
                return call
            case _:
                return call.advance_status(CallStatus.FAILED, self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverOtp:
    """Send the code of a delivery in the template that fits phone and client, or call the phone.

    - A call needs a provider. Without one the code is sent like any, such as to the console.
    - Nothing is sent to a blocked phone. Result and duration are imitated instead, and so is the
      report that it was sent, after a typical time.

    `place_code_call` is None without a provider of calls, which reports what became of a call.
    `webhook_urls` is None where no provider reports what became of a message. The first of the
    message providers is `sms_provider`, that of calls `voice_provider`. `recent_messages` is None
    where no page shows them.
    """

    codes: OtpCodes
    templates: SmsTemplates
    messenger: MessageProviders
    recent_messages: RecentMessages | None
    timing: DeliveryTimingProfile
    delivery_reports: DeliveryReports
    report_timing: ReportTimingProfile
    place_code_call: PlaceCodeCall | None
    webhook_urls: WebhookUrls | None
    keyed_hashes: KeyedHashes
    costs: CountCosts
    clock: Clock
    sms_provider: str
    voice_provider: str

    def first_provider(self, *, is_call: bool) -> str:
        """Return the name of the provider that is tried first."""
        return self.voice_provider if is_call else self.sms_provider

    def retry_after(self, *, is_call: bool) -> float:
        """Return after how many seconds a code is handed to a provider; 0 for now."""
        if is_call and self.place_code_call is not None:
            return self.place_code_call.pause.seconds_left
        return self.messenger.retry_after()

    async def __call__(
        self, phone: PhoneNumber, preferences: MessagePreferences, decision: DeliveryDecision
    ) -> DeliveryResult:
        """Deliver the code.

        Raises:
            Unavailable: the key of the code is not available anymore.
            StorageError: no call was placed.
        """
        # A report that only suppressed deliveries have would reveal that a phone is blocked.
        if decision.delivery.call_id is not None or self.webhook_urls is not None:
            if decision.is_suppressed:
                result, _ = await asyncio.gather(
                    self._deliver(phone, preferences, decision), self._add_report(decision.delivery)
                )
                return result
            self.report_timing.start(decision.delivery, self.clock.now())
        return await self._deliver(phone, preferences, decision)

    async def _deliver(
        self, phone: PhoneNumber, preferences: MessagePreferences, decision: DeliveryDecision
    ) -> DeliveryResult:
        delivery, challenge = decision.delivery, decision.challenge
        if self.place_code_call is not None and delivery.call_id is not None:
            call = Call(
                id=delivery.call_id,
                direction=CallDirection.OUTBOUND,
                started_at=self.clock.now(),
                identity_id=decision.identity_id,
                challenge_id=challenge.id,
                report_id=delivery.report_id,
                # Without one, that of the country is used.
                locale=normalize_locale(preferences.locale),
            )
            return await self.place_code_call(phone, call, is_suppressed=decision.is_suppressed)
        text = self.templates.render(
            self.codes.derive(challenge, phone),
            lifetime=challenge.expires_at - delivery.sent_at,
            country=phone.country,
            preferences=preferences,
            purpose=challenge.purpose,
        )
        if decision.is_suppressed:
            return await self.timing.imitate(phone.country)
        urls, status_url = self.webhook_urls, ""
        if urls is not None:
            today = self.clock.now().date()
            labels = PhoneLabels(phone.country, self.keyed_hashes.hash_phone_of_day(phone, today))
            status_url = urls.sms_status(delivery.report_id, labels)
        locale = normalize_locale(preferences.locale)
        sending = self.messenger.send(phone, text, status_url, locale)
        result = await self.timing.record(phone.country, sending)
        if result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN):
            self.costs.count_message(phone.country, result.provider or self.sms_provider, text)
            if self.recent_messages is not None:
                self.recent_messages.add(decision.public_request_id, text)
        return result

    async def _add_report(self, delivery: Delivery) -> None:
        """Add what the provider would report of a suppressed delivery. It stays as it is."""
        now = self.clock.now()
        if not self.report_timing.is_reported(delivery.channel):
            with suppress(StorageError):
                if await self.delivery_reports.load(SENT_IS_REPORTED_ID) is None:
                    return
        report = DeliveryReport(
            delivery.report_id,
            ReportedStatus.SENT,
            expires_at=now + REPORT_TTL,
            visible_at=now + self.report_timing.draw_duration(delivery.channel),
        )
        with suppress(StorageError):
            await self.delivery_reports.add(report)
