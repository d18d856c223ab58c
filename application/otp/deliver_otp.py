"""Deliver a code by a message or a call, or imitate that for a blocked phone."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.otp.codes import OtpCodes
from application.otp.delivery_status import SENT_IS_REPORTED_ID, ReportTimingProfile
from application.otp.events import OtpAccepted, OtpNotTaken, OtpUnconfirmed, ProviderEvent
from application.otp.extensions import CodeDelivery, OtpExtensions
from application.otp.send_text import SendText
from application.ports.errors import StorageError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import CodeMessage, DeliveryResult, DeliveryStatus, SmsTemplates
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.webhook_urls import WebhookUrls, name_message
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus
from domain.phone import PhoneNumber

TAKEN: Final = (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
"""A provider took the message or call, or may have taken it."""
MAX_SEND_TIME: Final = timedelta(seconds=30)
"""From a request to the message that it causes, also by the second channel."""
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
    delivery_reports: ExpiringRecords[DeliveryReport]
    report_timing: ReportTimingProfile
    extensions: OtpExtensions
    webhook_urls: WebhookUrls | None
    keyed_hashes: KeyedHashes
    clock: Clock

    def first_provider(self, channel: Channel) -> str:
        """Return the name of the provider that a channel tries first."""
        code_calls = self.extensions.code_calls
        if channel is Channel.VOICE and code_calls is not None:
            return code_calls.provider
        if message_channel := self.extensions.message_channels.get(channel):
            return message_channel.provider
        return next(iter(self.send_text.messenger.names), self.send_text.provider)

    def retry_after(self, channels: Sequence[Channel]) -> float:
        """Return after how many seconds one of the channels has a provider; 0 for now."""
        return min(map(self._retry_after, channels))

    def _retry_after(self, channel: Channel) -> float:
        code_calls = self.extensions.code_calls
        if channel is Channel.VOICE and code_calls is not None:
            return code_calls.retry_after()
        message_channel = self.extensions.message_channels.get(channel)
        return (message_channel or self.send_text.messenger).retry_after()

    async def __call__(self, code: CodeDelivery, decision: DeliveryDecision) -> DeliveryResult:
        """Deliver the code. Clients see the reports of it.

        Raises:
            Unavailable: the key of the code is not available anymore.
            StorageError: no call was placed.
        """
        # A report that only suppressed deliveries have would reveal that a phone is blocked.
        if decision.delivery.call_id is not None or self.webhook_urls is not None:
            if decision.is_suppressed:
                result, _ = await asyncio.gather(
                    self._deliver(code, decision), self._add_report(code.delivery)
                )
                return result
            self.report_timing.start(decision.delivery, self.clock.now())
        return await self._deliver(code, decision)

    async def send_hidden(
        self, code: CodeDelivery, next_channels: Sequence[Channel]
    ) -> DeliveryResult | None:
        """Send the code of a delivery by its channel. Clients see nothing of its reports.

        Nothing is sent to a blocked phone.

        Args:
            code: The delivery.
            next_channels: What is tried next where nothing was sent, see `MessageChannel.send`.

        Returns:
            The result; None if it is of no interest any more.

        Raises:
            Unavailable: the key of the code is not available anymore.
        """
        delivery = code.delivery
        message_channel = self.extensions.message_channels.get(delivery.channel)
        if delivery.is_suppressed:
            return DeliveryResult(DeliveryStatus.ACCEPTED)
        if message_channel is not None:
            return await message_channel.send(code, next_channels)
        report_id = delivery.report_id_by(delivery.channel)
        return await self._send(code, self._sent_at(delivery), report_id)

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

    async def _deliver(self, code: CodeDelivery, decision: DeliveryDecision) -> DeliveryResult:
        delivery, code_calls = code.delivery, self.extensions.code_calls
        if code_calls is not None and delivery.call_id is not None:
            return await code_calls(code.phone, code.preferences, decision)
        return await self._send(code, delivery.sent_at, delivery.report_id)

    async def _send(self, code: CodeDelivery, sent_at: datetime, report_id: str) -> DeliveryResult:
        """Send the code by an SMS, or imitate that."""
        phone, delivery = code.phone, code.delivery
        message = self.render(code, sent_at)
        if delivery.is_suppressed:
            return await self.send_text.imitate(phone)
        if self.webhook_urls is not None:
            message = name_message(
                message,
                report_id,
                phone,
                self.clock.now().date(),
                self.keyed_hashes,
                self.webhook_urls.sms_status,
            )
        result = await self.send_text(phone, message, (delivery.provider,))
        if result.status in TAKEN and self.extensions.recent_messages is not None:
            self.extensions.recent_messages.add(delivery.public_id, message.text)
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
