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
from domain.errors import Unavailable
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
NO_MONEY: Final = "No money was left for it, or nobody knows how much is left."
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
        self, code: CodeDelivery, decision: DeliveryDecision, next_channels: Sequence[Channel] = ()
    ) -> DeliveryResult:
        """Deliver the code. Clients see the reports of it.

        Args:
            code: The delivery.
            decision: What it comes from.
            next_channels: What is tried next where nothing was sent. What was taken of budgets is
                for these then.

        Raises:
            Unavailable: the key of the code is not available anymore.
            StorageError: no call was placed.
        """
        # A report that only suppressed deliveries have would reveal that a phone is blocked.
        if decision.delivery.call_id is not None or self.webhook_urls is not None:
            if decision.is_suppressed:
                result, _ = await asyncio.gather(
                    self._deliver(code, decision, next_channels), self._add_report(code.delivery)
                )
                return result
            self.report_timing.start(decision.delivery, self.clock.now())
        return await self._deliver(code, decision, next_channels)

    async def send_hidden(
        self, code: CodeDelivery, next_channels: Sequence[Channel], taken: Acquisition | None
    ) -> DeliveryResult | None:
        """Send the code of a delivery by its channel. Clients see nothing of its reports.

        Nothing is sent to a blocked phone.

        Args:
            code: The delivery.
            next_channels: What is tried next where nothing was sent, see `MessageChannel.send`.
            taken: What was taken of budgets and not spent by a channel before; None if there is
                no such amount.

        Returns:
            The result; None if it is of no interest any more.

        Raises:
            Unavailable: the key of the code is not available anymore.
        """
        delivery, spending, taken_for = code.delivery, self.extensions.spending, next_channels
        if spending is not None and taken is None:
            parts = self.count_parts(code.phone, code.preferences, code.challenge.purpose)
            country = code.phone.country
            taken = await spending.acquire(country, delivery.channel, parts, delivery.permits)
            if taken is None:
                return DeliveryResult(DeliveryStatus.REJECTED, NO_MONEY)
            taken_for = ()
        message_channel = self.extensions.message_channels.get(delivery.channel)
        result: DeliveryResult | None
        if delivery.is_suppressed:
            result = DeliveryResult(DeliveryStatus.ACCEPTED)
        elif message_channel is None:
            report_id = delivery.report_id_by(delivery.channel)
            return await self._send(code, self._sent_at(delivery), report_id, taken, taken_for)
        else:
            try:
                result = await message_channel.send(code, next_channels)
            except Unavailable:
                await self._settle(code, taken, None)
                raise
            if result is not None and result.status in TAKEN:
                self.count_codes.count_sent(code.phone, delivery, result.provider)
        await self._settle(code, taken, result, taken_for)
        return result

    def find_taken(self, code: CodeDelivery, channels: Sequence[Channel]) -> Acquisition | None:
        """Return what was taken of budgets with the permits of a delivery; None without budgets.

        Args:
            code: The delivery.
            channels: All channels that its code may be tried by.
        """
        spending = self.extensions.spending
        if spending is None:
            return None
        parts = self.count_parts(code.phone, code.preferences, code.challenge.purpose)
        return spending.find(code.phone.country, channels, code.delivery.permits, parts)

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
        self, code: CodeDelivery, decision: DeliveryDecision, next_channels: Sequence[Channel]
    ) -> DeliveryResult:
        delivery, code_calls = code.delivery, self.extensions.code_calls
        taken = self.find_taken(code, (delivery.channel, *next_channels))
        if code_calls is not None and delivery.call_id is not None:
            result = await self._call(code_calls, code, decision, taken)
            if result.status in TAKEN and not decision.is_suppressed:
                self.count_codes.count_sent(code.phone, delivery, result.provider)
            return result
        return await self._send(code, delivery.sent_at, delivery.report_id, taken, next_channels)

    async def _send(
        self,
        code: CodeDelivery,
        sent_at: datetime,
        report_id: str,
        taken: Acquisition | None,
        taken_for: Sequence[Channel],
    ) -> DeliveryResult:
        """Send the code by an SMS, or imitate that."""
        phone, delivery = code.phone, code.delivery
        try:
            message = self.render(code, sent_at)
        except Unavailable:
            await self._settle(code, taken, None)
            raise
        if delivery.is_suppressed:
            result = await self.send_text.imitate(phone, message)
        else:
            if self.webhook_urls is not None:
                message = name_message(
                    message,
                    report_id,
                    phone,
                    self.clock.now().date(),
                    self.keyed_hashes,
                    self.webhook_urls.sms_status,
                )
            # What was recorded is tried first, even if the order has changed since.
            order = (delivery.provider, *self._order_providers(phone, delivery.request_id))
            result = await self.send_text(phone, message, tuple(dict.fromkeys(order)))
            if result.status in TAKEN:
                self.count_codes.count_sent(phone, delivery, result.provider)
                if self.extensions.recent_messages is not None:
                    self.extensions.recent_messages.add(delivery.public_id, message.text)
        await self._settle(code, taken, result, taken_for, message.text)
        return result

    async def _settle(
        self,
        code: CodeDelivery,
        taken: Acquisition | None,
        result: DeliveryResult | None,
        taken_for: Sequence[Channel] = (),
        text: str = "",
    ) -> None:
        """Settle what was taken of budgets.

        Where nothing was sent it stays taken, if it is for other channels too.
        """
        spending, sent = self.extensions.spending, None
        if spending is None or taken is None:
            return
        if result is not None and result.status in TAKEN:
            channel = code.delivery.channel
            is_sms = channel not in self.extensions.message_channels
            sent = SentMessage(
                country=code.phone.country,
                channel=Channel.SMS if is_sms else channel,
                provider=result.provider or code.delivery.provider,
                text=text,
            )
        elif result is not None and taken_for and not code.delivery.is_suppressed:
            return
        await spending.settle(taken, sent)

    async def _call(
        self,
        code_calls: CodeCalls,
        code: CodeDelivery,
        decision: DeliveryDecision,
        taken: Acquisition | None,
    ) -> DeliveryResult:
        """Call the phone. What was taken of budgets is settled when the call ends.

        It is kept before the call is placed: its end may be reported before this process goes on.
        The same is written for a blocked phone, so that the time reveals nothing.
        """
        spending, call_id = self.extensions.spending, code.delivery.call_id or ""
        if spending is None or taken is None:
            return await code_calls(code.phone, code.preferences, decision)
        await spending.keep_for_call(call_id, taken)
        try:
            result = await code_calls(code.phone, code.preferences, decision)
        except StorageError:
            await spending.end_call(call_id, None)
            raise
        if result.status not in TAKEN:
            await spending.end_call(call_id, None)
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
