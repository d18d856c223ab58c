"""Deliver a code by a message or a call, or imitate that for a blocked phone."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.otp.codes import OtpCodes
from application.otp.count_codes import CountCodes
from application.otp.delivery_status import SENT_IS_REPORTED_ID, ReportTimingProfile
from application.otp.events import OtpAccepted, OtpNotTaken, OtpUnconfirmed, ProviderEvent
from application.otp.extensions import CodeCalls, CodeDelivery, OtpExtensions, SentMessage
from application.otp.send_text import SendText
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import CodeMessage, DeliveryResult, DeliveryStatus, SmsTemplates
from application.ports.repositories import DeliveryReports
from application.ports.system import Clock
from application.webhook_urls import WebhookUrls, name_message
from domain.otp.challenge import OTP_TTL, OtpCode, Purpose
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus
from domain.otp.message_parts import message_parts
from domain.otp.message_preferences import MessagePreferences
from domain.otp.rate_limits import Acquisition
from domain.phone import PhoneNumber

TAKEN: Final = (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
"""A provider took the message or call, or may have taken it."""
MAX_SEND_TIME: Final = timedelta(seconds=30)
"""From a request to the message that it causes, also by the second channel."""
NO_MONEY: Final = "The hard end of a budget was reached, or it could not be read."
BLOCKED: Final = "blocked"
"""Why a delivery was suppressed, in the log."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverOtp:
    """Send the code of a delivery in the template that fits phone and client, or call the phone.

    - A call needs a provider. Without one the code is sent like any, such as to the terminal.
    - Nothing is sent to a blocked phone. Result and duration are imitated instead, and so is the
      report that it was sent, after a typical time.

    `webhook_urls` is None where no provider reports what became of a message.
    """

    codes: OtpCodes
    templates: SmsTemplates
    send_text: SendText
    delivery_reports: DeliveryReports
    report_timing: ReportTimingProfile
    extensions: OtpExtensions
    count_codes: CountCodes
    webhook_urls: WebhookUrls | None
    keyed_hashes: KeyedHashes
    clock: Clock

    def first_provider(self, phone: PhoneNumber, request_id: str, channel: Channel) -> str:
        """Return the name of the provider that a channel tries first for a request."""
        code_calls = self.extensions.code_calls
        if channel is Channel.VOICE and code_calls is not None:
            return code_calls.provider
        if message_channel := self.extensions.message_channels.get(channel):
            return message_channel.provider
        return next(iter(self._order_providers(phone, request_id)), self.send_text.provider)

    def _order_providers(self, phone: PhoneNumber, request_id: str) -> Sequence[str]:
        """Return the names of the providers in the order in which they are tried for a request."""
        names, order = self.send_text.messenger.names, self.extensions.order_providers
        if order is None:
            return names
        fraction = self.keyed_hashes.fraction_of(request_id)
        return order(phone.country, Channel.SMS, names, fraction)

    def retry_after(self, channels: Sequence[Channel]) -> float:
        """Return after how many seconds one of the channels has a provider; 0 for now."""
        return min(map(self._retry_after, channels))

    def _retry_after(self, channel: Channel) -> float:
        code_calls = self.extensions.code_calls
        if channel is Channel.VOICE and code_calls is not None:
            return code_calls.retry_after()
        message_channel = self.extensions.message_channels.get(channel)
        return (message_channel or self.send_text.messenger).retry_after()

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

    async def send_hidden(
        self, code: CodeDelivery, next_channels: Sequence[Channel], *, is_first: bool
    ) -> DeliveryResult | None:
        """Send the code of a delivery by its channel. Clients see nothing of its reports.

        Nothing is sent to a blocked phone.

        Args:
            code: The delivery.
            next_channels: See `MessageChannel.send`.
            is_first: Whether it is the first channel of the delivery, whose permits have its cost.
                Each further one has a cost of its own.

        Returns:
            The result; None if it is of no interest any more.

        Raises:
            Unavailable: the key of the code is not available anymore.
        """
        channel, country = code.delivery.channel, code.phone.country
        spending, taken = self.extensions.spending, None
        if spending is not None:
            challenge = code.challenge
            parts = self.count_parts(code.phone, code.preferences, challenge.purpose)
            if is_first:
                taken = spending.find(country, channel, code.delivery.permits, parts)
            else:
                taken = await spending.acquire(country, channel, parts, code.delivery.permits)
            if taken is None:
                return DeliveryResult(DeliveryStatus.REJECTED, NO_MONEY)
        message_channel = self.extensions.message_channels.get(channel)
        if code.delivery.is_suppressed:
            if spending is not None and taken is not None:
                provider = code.delivery.provider
                as_sent = SentMessage(country=country, channel=channel, provider=provider, text="")
                await spending.settle(taken, as_sent)
            return DeliveryResult(DeliveryStatus.ACCEPTED)
        if message_channel is None:
            message = self.render(code, self._sent_at(code.delivery))
            return await self._send(code, message, code.delivery.report_id_by(channel), taken)
        result = await message_channel.send(code, next_channels)
        sent = None
        if result is not None and result.status in TAKEN:
            self.count_codes.count_sent(code.phone, code.delivery, result.provider)
            sent = SentMessage(country=country, channel=channel, provider=result.provider, text="")
        if spending is not None and taken is not None:
            await spending.settle(taken, sent)
        return result

    def count_parts(
        self, phone: PhoneNumber, preferences: MessagePreferences, purpose: Purpose
    ) -> int:
        """Return how many parts of an SMS a code takes; 0 where nobody has to know."""
        if self.extensions.spending is None:
            return 0
        message = self.templates.render(
            OtpCode("0" * self.codes.length),
            lifetime=OTP_TTL,
            country=phone.country,
            preferences=preferences,
            purpose=purpose,
        )
        return message_parts(message.text)

    def _sent_at(self, delivery: Delivery) -> datetime:
        """Return from when on the life of a code is counted: a report may come much later."""
        now = self.clock.now()
        return now if now - delivery.sent_at > MAX_SEND_TIME else delivery.sent_at

    def render(self, code: CodeDelivery, sent_at: datetime) -> CodeMessage:
        """Render the message of a delivery.

        Raises:
            Unavailable: the key of the code is not available anymore.
        """
        return self.templates.render(
            self.codes.derive(code.challenge, code.phone),
            lifetime=code.challenge.expires_at - sent_at,
            country=code.phone.country,
            preferences=code.preferences,
            purpose=code.challenge.purpose,
        )

    async def _deliver(
        self, phone: PhoneNumber, preferences: MessagePreferences, decision: DeliveryDecision
    ) -> DeliveryResult:
        delivery, challenge = decision.delivery, decision.challenge
        code_calls, spending = self.extensions.code_calls, self.extensions.spending
        taken = None
        if spending is not None:
            parts = self.count_parts(phone, preferences, challenge.purpose)
            taken = spending.find(phone.country, delivery.channel, delivery.permits, parts)
        if code_calls is not None and delivery.call_id is not None:
            result = await self._call(code_calls, phone, preferences, decision, taken)
            if result.status in TAKEN and not decision.is_suppressed:
                self.count_codes.count_sent(phone, delivery, result.provider)
            return result
        code = CodeDelivery(phone, preferences, delivery, challenge)
        message = self.render(code, delivery.sent_at)
        if decision.is_suppressed:
            return await self.send_text.imitate(phone, message, taken)
        return await self._send(code, message, delivery.report_id, taken)

    async def _send(
        self,
        code: CodeDelivery,
        message: CodeMessage,
        report_id: str,
        taken: Acquisition | None,
    ) -> DeliveryResult:
        if self.webhook_urls is not None:
            message = name_message(
                message,
                report_id,
                code.phone,
                self.clock.now().date(),
                self.keyed_hashes,
                self.webhook_urls.sms_status,
            )
        # What was recorded is tried first, even if the order has changed since.
        phone, delivery = code.phone, code.delivery
        order = (delivery.provider, *self._order_providers(phone, delivery.request_id))
        result = await self.send_text(phone, message, tuple(dict.fromkeys(order)), taken)
        if result.status in TAKEN:
            self.count_codes.count_sent(phone, delivery, result.provider)
            if self.extensions.recent_messages is not None:
                self.extensions.recent_messages.add(delivery.public_id, message.text)
        return result

    async def _call(
        self,
        code_calls: CodeCalls,
        phone: PhoneNumber,
        preferences: MessagePreferences,
        decision: DeliveryDecision,
        taken: Acquisition | None,
    ) -> DeliveryResult:
        """Call the phone. What was taken of budgets is settled when the call ends.

        The same is written for a blocked phone, so that the time reveals nothing.
        """
        spending = self.extensions.spending
        if spending is None or taken is None:
            return await code_calls(phone, preferences, decision)
        result = DeliveryResult(DeliveryStatus.NOT_CONNECTED)
        try:
            result = await code_calls(phone, preferences, decision)
        finally:
            if result.status in TAKEN:
                await spending.keep_for_call(decision.delivery.call_id or "", taken)
            else:
                await spending.settle(taken, None)
        return result

    async def _add_report(self, delivery: Delivery) -> None:
        """Add what the provider would report of a suppressed delivery. The report never changes."""
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
