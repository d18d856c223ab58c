"""Deliver a code by a message or a call, or imitate that for a blocked phone."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from application.limits.delivery_limiter import DeliveryLimiter
from application.otp.delivery_status import SENT_IS_REPORTED_ID, ReportTimingProfile
from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.events import (
    OtpAccepted,
    OtpFellBack,
    OtpNotTaken,
    OtpSuppressed,
    OtpUnconfirmed,
    ProviderEvent,
)
from application.otp.extensions import (
    CodeCalls,
    CodeDelivery,
    MessageChannel,
    OtpExtensions,
)
from application.otp_codes import OtpCodes
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import (
    CodeMessage,
    DeliveryResult,
    DeliveryStatus,
    MessageProviders,
    PausedProvider,
    PhoneVerifications,
    SmsTemplates,
    TextMessage,
)
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.tasks import start_task
from application.update import change
from application.webhook_urls import WebhookUrls, name_message
from domain.otp.challenge import Purpose
from domain.otp.channel_order import ONLY_SMS, ChannelOrder
from domain.otp.deliveries import order_after
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

R = TypeVar("R", bound=DeliveryResult | None)

TAKEN: Final = (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
"""A provider took the message or call, or may have taken it."""
MAX_SEND_TIME: Final = timedelta(seconds=30)
"""From a request to the message that it causes, also by the second channel."""
SLOW_DELIVERY: Final = 1.0
"""Seconds after which the result of a delivery is recorded as unknown until it is known."""
HIDDEN_WAIT: Final = 1.5
"""Seconds from the start of a hidden delivery to its response, whatever becomes of it."""
LOOKS_SENT_AFTER: Final = timedelta(seconds=3)
"""From the start of a hidden delivery to the time from which on clients see it as sent."""
BLOCKED: Final = "blocked"
"""Why a delivery was suppressed, in the log."""
_NO_ANSWER_YET: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The provider has not answered yet, or the service ended before."
)
_NOT_TAKEN: Final = "No channel took it, and the client was not told: {reason}"


def make_delivery_event(
    phone: PhoneNumber, result: DeliveryResult, channel: Channel, provider: str
) -> ProviderEvent:
    """Return the event that a provider took a message or call, that it may have, or that none did.

    Args:
        phone: The phone.
        result: What the providers did.
        channel: How the code is delivered.
        provider: The name of the provider, where the result does not say it.
    """
    provider = result.provider or provider
    message_id = result.provider_message_id or result.provider_call_id
    match result.status:
        case DeliveryStatus.ACCEPTED:
            return OtpAccepted(
                phone=phone,
                channel=channel,
                provider=provider,
                provider_message_id=message_id,
                result=result.status,
            )
        case DeliveryStatus.UNKNOWN:
            return OtpUnconfirmed(
                phone=phone,
                reason=result.full_reason,
                channel=channel,
                provider=provider,
                provider_message_id=message_id,
                error_code=result.error_code,
                result=result.status,
            )
        case _:
            return OtpNotTaken(
                phone=phone,
                reason=result.full_reason,
                channel=channel,
                provider=provider,
                error_code=result.error_code,
                result=result.status,
            )


@dataclass(frozen=True, slots=True)
class SettledDelivery:
    """What became of a delivery. `rejected` is the phone, if every provider rejected it."""

    result: DeliveryResult
    rejected: PhoneVerification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverCode:
    """Deliver a code by the first channel that takes it, and settle what the delivery holds.

    - A call needs a provider of calls. Without one the code is sent like any, such as to the
      terminal.
    - Nothing is sent to a blocked phone. Result and duration are imitated instead, and so is the
      report that it was sent, after a typical time.
    - One that every provider rejected gives permits back, as `settle` says.

    A channel such as WhatsApp reaches only the numbers of its customers. So a delivery that could
    show whether a number is one of them is hidden:

    - The response to the client leaves `HIDDEN_WAIT` after the delivery began. What is not done by
      then goes on. Where an SMS comes first and a provider takes it, the response leaves at once.
    - It is that of a message that was sent, also where no channel took it: it would differ from the
      one for a number that the channel reaches. Such a delivery counts as sent.
    - The response for a blocked phone leaves at the same time.
    - The report that clients see is made here. What the providers report has other ids.

    Operators see in the events, and with the phone, what happened.

    `webhook_urls` is None where no provider reports what became of a message.
    """

    channels: ChannelOrder
    codes: OtpCodes
    templates: SmsTemplates
    messenger: MessageProviders
    timing: DeliveryTimingProfile
    extensions: OtpExtensions
    phone_verifications: PhoneVerifications
    delivery_limiter: DeliveryLimiter
    delivery_reports: ExpiringRecords[DeliveryReport]
    report_timing: ReportTimingProfile
    webhook_urls: WebhookUrls | None
    keyed_hashes: KeyedHashes
    clock: Clock
    events: SecurityEvents
    _running: set[asyncio.Task[Any]] = field(default_factory=set)

    def plan_channels(
        self, phone: PhoneNumber, purpose: Purpose, requested: Channel | None
    ) -> Sequence[Channel]:
        """Return the channels that are tried one after another: those that have a provider."""
        if purpose is not Purpose.SIGN_IN:
            return (requested or Channel.SMS,)
        available = (Channel.SMS, Channel.VOICE, *self.extensions.message_channels)
        planned = self.channels.plan(phone.country, requested)
        return [channel for channel in planned if channel in available] or ONLY_SMS

    def providers(self, channel: Channel) -> Sequence[str]:
        """Return the names of the providers of a channel in their order."""
        other = self._find_other(channel)
        return (other.provider,) if other else self.messenger.names

    def find_pause(self, channels: Sequence[Channel]) -> PausedProvider | None:
        """Return the pause that ends first; None if one of the channels has a provider now."""
        found = [(self._find_other(channel) or self.messenger).find_pause() for channel in channels]
        pauses = [pause for pause in found if pause is not None]
        return min(pauses, key=lambda each: each.until) if len(pauses) == len(found) else None

    def _find_other(self, channel: Channel) -> CodeCalls | MessageChannel | None:
        """Return what delivers by a channel, None if that is an SMS."""
        if channel is Channel.VOICE:
            return self.extensions.code_calls
        return self.extensions.message_channels.get(channel)

    async def __call__(self, code: CodeDelivery, channels: Sequence[Channel]) -> SettledDelivery:
        """Deliver a code by the first of its channels, and return what the client may know.

        Raises:
            Unavailable: the key of the code is not available anymore.
            StorageError: no call was placed.
        """
        if any(channel in self.extensions.message_channels for channel in channels):
            return await self._deliver_hidden(code, channels[1:])
        self._record_suppressed(code)
        try:
            result, is_slow = await self._wait_for_result(code, self._send_visible(code))
        except StorageError:
            await self._reject(code, DeliveryResult(DeliveryStatus.NOT_CONNECTED))
            raise
        self._record_result(code, result)
        if result.status not in TAKEN:
            return SettledDelivery(result, await self._reject(code, result))
        await self._keep_result(code, result, was_unknown=is_slow)
        return SettledDelivery(result)

    async def _send_visible(self, code: CodeDelivery) -> DeliveryResult:
        """Send the code, or imitate that. Clients see the reports of it."""
        delivery = code.delivery
        sending = self._send(code, delivery.report_id)
        if delivery.call_id is None and self.webhook_urls is None:
            return await sending
        # A report that only suppressed deliveries have would reveal that a phone is blocked.
        if delivery.is_suppressed:
            result, _ = await asyncio.gather(sending, self._imitate_report(delivery))
            return result
        self.report_timing.start(delivery, self.clock.now())
        return await sending

    async def _send(self, code: CodeDelivery, report_id: str) -> DeliveryResult:
        """Call the phone, send an SMS, or imitate the SMS."""
        phone, delivery, code_calls = code.phone, code.delivery, self.extensions.code_calls
        if code_calls is not None and delivery.call_id is not None:
            return await code_calls(code)
        message = self.render(code)
        if delivery.is_suppressed:
            return await self.timing.imitate(phone.country)
        if self.webhook_urls is not None:
            message = name_message(
                message,
                report_id,
                phone,
                self.clock.now().date(),
                self.keyed_hashes,
                self.webhook_urls.sms_status,
            )
        result = await self.send_text(phone, message, code.last_provider)
        if result.status in TAKEN and self.extensions.recent_messages is not None:
            self.extensions.recent_messages.add(delivery.public_id, message.text)
        return result

    def render(self, code: CodeDelivery) -> CodeMessage:
        """Render the message of a delivery.

        Raises:
            Unavailable: the key of the code is not available anymore.
        """
        now, sent_at = self.clock.now(), code.delivery.sent_at
        # A report that causes the message may come much later than the request.
        sent_at = now if now - sent_at > MAX_SEND_TIME else sent_at
        return self.templates.render(
            self.codes.derive(code.challenge, code.phone),
            lifetime=code.challenge.expires_at - sent_at,
            country=code.phone.country,
            preferences=code.preferences,
            purpose=code.challenge.purpose,
        )

    async def send_text(
        self, phone: PhoneNumber, message: TextMessage, last_provider: str = ""
    ) -> DeliveryResult:
        """Send an SMS, whatever it says.

        A failure is a result, not an exception.

        Args:
            phone: The phone.
            message: The message.
            last_provider: Had it last; empty unless it is sent again.
        """
        sending = self.messenger.send(phone, message, last_provider)
        return await self.timing.record(phone.country, sending)

    async def _wait_for_result(
        self, code: CodeDelivery, sending: Coroutine[Any, Any, R]
    ) -> tuple[R, bool]:
        """Wait for the result of a delivery.

        Returns:
            The result, and whether it was recorded as unknown meanwhile.
        """
        task = start_task("send_otp", sending)
        try:
            await asyncio.wait([task], timeout=SLOW_DELIVERY)
            is_slow = not task.done()
            if is_slow:
                await self._keep_result(code, _NO_ANSWER_YET)
            return await task, is_slow
        finally:
            task.cancel()

    def _record_suppressed(self, code: CodeDelivery) -> None:
        """Record the event of a delivery if it is suppressed."""
        if code.delivery.is_suppressed:
            self.events.record(
                OtpSuppressed(phone=code.phone, reason=BLOCKED, channel=code.delivery.channel)
            )

    def _record_result(self, code: CodeDelivery, result: DeliveryResult) -> None:
        """Record the event of a result. That of a suppressed delivery is what the client sees."""
        delivery = code.delivery
        if not delivery.is_suppressed:
            self.events.record(
                make_delivery_event(code.phone, result, delivery.channel, delivery.provider)
            )

    async def _keep_result(
        self, code: CodeDelivery, result: DeliveryResult, *, was_unknown: bool = False
    ) -> None:
        """Record another provider than the one that is tried first, and an unknown result.

        A suppressed delivery is treated in the same way, so that the time reveals nothing.
        """
        delivery, is_unknown = code.delivery, result.status is DeliveryStatus.UNKNOWN
        if not (is_unknown or was_unknown) and result.provider in ("", delivery.provider):
            return
        unknown_reason = result.full_reason if is_unknown else None

        def keep(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            deliveries = verification.deliveries.keep_result(
                delivery.request_id, delivery.channel, result.provider, unknown_reason
            )
            return replace(verification, deliveries=deliveries), None

        with suppress(StorageError):
            await change(self.phone_verifications, code.phone, keep)

    async def _reject(self, code: CodeDelivery, result: DeliveryResult) -> PhoneVerification | None:
        """Record that a delivery was rejected, and release its permits.

        Returns:
            The phone after it; None if that failed, and the permits expire.
        """
        request_id = code.delivery.request_id

        def reject(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, tuple[PhoneVerification, Delivery | None]]:
            recorded = verification.deliveries.find(request_id)
            reason = result.full_reason
            rejected = verification.reject_delivery(request_id, result.provider, reason)
            return rejected, (rejected, recorded)

        with suppress(StorageError):
            rejected, recorded = await change(self.phone_verifications, code.phone, reject)
            if recorded is not None:
                outcome, identity_id = result.status.outcome, code.challenge.identity_id
                await self.delivery_limiter.settle(code.phone, recorded, outcome, identity_id)
            return rejected
        return None

    async def _imitate_report(self, delivery: Delivery) -> None:
        """Add what the provider would report of a suppressed delivery. The report never changes."""
        channel, reports = delivery.channel, self.delivery_reports
        with suppress(StorageError):
            is_reported = self.report_timing.is_reported(channel)
            if is_reported or await reports.load(SENT_IS_REPORTED_ID) is not None:
                visible_after = self.report_timing.draw_duration(channel)
                await reports.add(self._make_report(delivery, visible_after))

    def _make_report(self, delivery: Delivery, visible_after: timedelta) -> DeliveryReport:
        now = self.clock.now()
        return DeliveryReport(
            delivery.report_id,
            ReportedStatus.SENT,
            expires_at=now + REPORT_TTL,
            visible_at=now + visible_after,
        )

    # Hidden deliveries

    async def _deliver_hidden(
        self, code: CodeDelivery, next_channels: Sequence[Channel]
    ) -> SettledDelivery:
        """Deliver a code, and return when the client may know that it was sent.

        The result is `ACCEPTED` if a provider has confirmed by then that it took the message.
        """
        is_visible = asyncio.Event()
        delivering = self.start(self._try_first(code, next_channels, is_visible))
        with suppress(TimeoutError):
            async with asyncio.timeout(HIDDEN_WAIT):
                await is_visible.wait()
        is_confirmed = delivering.done() and delivering.exception() is None and delivering.result()
        status = DeliveryStatus.ACCEPTED if is_confirmed else DeliveryStatus.UNKNOWN
        return SettledDelivery(DeliveryResult(status))

    def start(self, delivering: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        """Start a delivery that no client waits for: each step of it has a time limit."""
        task = start_task("deliver_otp", delivering)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def finish(self) -> None:
        """Wait until all deliveries that were started have ended."""
        while self._running:
            await asyncio.wait([*self._running])

    async def fall_back(
        self,
        code: CodeDelivery,
        failed: DeliveryResult,
        channels: Sequence[Channel],
        *,
        is_reported: bool = False,
    ) -> bool:
        """Send the code of a delivery by the next channels.

        The caller sees to it that this is done once for a delivery.

        Args:
            code: The delivery.
            failed: What the provider of the channel before says.
            channels: The next channels.
            is_reported: Whether it says so after it had taken the message.

        Returns:
            Whether a provider took it.
        """
        phone, delivery, channel = code.phone, code.delivery, channels[0]
        self.events.record(
            OtpFellBack(
                phone=phone,
                reason=failed.full_reason,
                channel=delivery.channel,
                provider=failed.provider,
                is_reported=is_reported,
                error_code=failed.error_code,
                result=failed.status,
                next_channel=channel,
            )
        )
        names, challenge = self.providers(channel), code.challenge

        def fall_back(verification: PhoneVerification) -> tuple[PhoneVerification, str]:
            last = verification.last_provider(channel, challenge.purpose, challenge.identity_id)
            reason = " ".join(filter(None, (failed.error_code, failed.full_reason)))
            deliveries = verification.deliveries.fall_back(
                delivery.request_id, channel, order_after(names, last)[0], reason
            )
            return replace(verification, deliveries=deliveries), last

        last = ""
        with suppress(StorageError):
            last = await change(self.phone_verifications, phone, fall_back)
        changed = replace(delivery, channel=channel, provider=order_after(names, last)[0])
        following = replace(code, delivery=changed, last_provider=last)
        return await self._try(following, channels[1:])

    async def _try_first(
        self, code: CodeDelivery, next_channels: Sequence[Channel], is_visible: asyncio.Event
    ) -> bool:
        """Send the code by its first channel. An SMS that a provider takes may be seen."""
        delivery = code.delivery
        self._record_suppressed(code)  # within the wait, as what is recorded of others
        if delivery.channel in self.extensions.message_channels:
            await self._add_report(delivery)
            return await self._try(code, next_channels)
        result, is_slow = await self._wait_for_result(code, self._send_visible(code))
        if result.status in TAKEN:
            await self._end(code, result, was_unknown=is_slow)
            is_visible.set()
            return result.status is DeliveryStatus.ACCEPTED
        await self._add_report(delivery)
        return not delivery.is_suppressed and await self.fall_back(code, result, next_channels)

    async def _try(self, code: CodeDelivery, next_channels: Sequence[Channel]) -> bool:
        """Send the code by its channel, and by the next one if that fails."""
        sending = self._send_by_channel(code, next_channels)
        result, is_slow = await self._wait_for_result(code, sending)
        if result is None:
            return False
        if next_channels and result.status not in TAKEN:
            return await self.fall_back(code, result, next_channels)
        await self._end(code, result, was_unknown=is_slow)
        return result.status is DeliveryStatus.ACCEPTED

    async def _send_by_channel(
        self, code: CodeDelivery, next_channels: Sequence[Channel]
    ) -> DeliveryResult | None:
        """Send the code, see `MessageChannel.send`. Clients see nothing of its reports."""
        delivery = code.delivery
        if delivery.is_suppressed:
            return DeliveryResult(DeliveryStatus.ACCEPTED)
        message_channel = self.extensions.message_channels.get(delivery.channel)
        if message_channel is not None:
            return await message_channel.send(code, next_channels)
        return await self._send(code, delivery.report_id_by(delivery.channel))

    async def _end(self, code: CodeDelivery, result: DeliveryResult, *, was_unknown: bool) -> None:
        """Record the result. A delivery that nobody took counts as sent."""
        self._record_result(code, result)
        if result.status not in TAKEN:
            reason = _NOT_TAKEN.format(reason=result.reason)
            result = replace(result, status=DeliveryStatus.UNKNOWN, reason=reason)
        await self._keep_result(code, result, was_unknown=was_unknown)

    async def _add_report(self, delivery: Delivery) -> None:
        """Set the report that clients see, also where an imitated message has one."""
        report = self._make_report(delivery, LOOKS_SENT_AFTER)
        with suppress(StorageError):
            await change(self.delivery_reports, report.id, lambda _: (report, None))
