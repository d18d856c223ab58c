"""Deliver a code by a message or a call; and messages without a code."""

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from application.code_derivation import CodeDerivation
from application.limits.delivery_limiter import DeliveryLimiter
from application.otp.additions import CodeDelivery, OtpAdditions
from application.otp.events import (
    OtpFellBack,
    PhoneNoticeRejected,
    PhoneNoticeSent,
    make_delivery_event,
)
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
)
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.tasks import start_task
from application.update import change
from application.webhook_urls import WebhookUrls, name_message
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import Purpose
from domain.otp.delivery import Channel, Delivery, order_after
from domain.otp.delivery_policy import ChannelOrder
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

MAYBE_SENT: Final = (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
"""A provider took the message or call, or may have taken it."""
MAX_SEND_TIME: Final = timedelta(seconds=30)
"""From a request to the message that it causes, also by the second channel."""
SLOW_DELIVERY: Final = 1.0
"""Seconds after which the result of a delivery is recorded as unknown until it is known."""
_NO_ANSWER_YET: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The provider has not answered yet, or the service ended before."
)
_LEFT: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The provider reported a failure first, and the next channel has it."
)


@dataclass(frozen=True, slots=True)
class SettledDelivery:
    """What became of a delivery. `rejected` is the phone, if no provider took the delivery."""

    result: DeliveryResult
    rejected: PhoneVerification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverCode:
    """Deliver a code by the first channel that takes it, and settle what the delivery holds.

    - The next channel is tried where it is certain that nothing was sent, within the request. The
      last result is that of the delivery.
    - A call needs a provider of calls. Without one the code is sent like any, such as to the
      terminal.
    - A delivery that is not taken releases permits, as `settle` says.

    `webhook_urls` is None where no provider reports what became of a message.
    """

    channels: ChannelOrder
    codes: CodeDerivation
    templates: SmsTemplates
    messenger: MessageProviders
    additions: OtpAdditions
    phone_verifications: PhoneVerifications
    delivery_limiter: DeliveryLimiter
    webhook_urls: WebhookUrls | None
    keyed_hashes: KeyedHashes
    clock: Clock
    events: SecurityEvents

    def plan_channels(
        self, phone: PhoneNumber, purpose: Purpose, requested: Channel | None
    ) -> Sequence[Channel]:
        """Return the channels that are tried one after another."""
        if purpose is Purpose.CHANGE_PHONE:
            return (requested or Channel.SMS,)
        return self.channels.plan(phone.country, requested)

    def providers(self, channel: Channel) -> Sequence[str]:
        code_channel = self.additions.code_channels.get(channel)
        return (code_channel.provider,) if code_channel else self.messenger.names

    def find_pause(self, channels: Sequence[Channel]) -> PausedProvider | None:
        """Return the pause that ends first; None if one of the channels has a provider now."""
        code_channels = self.additions.code_channels
        found = [code_channels.get(each, self.messenger).find_pause() for each in channels]
        pauses = [pause for pause in found if pause is not None]
        return min(pauses, key=lambda each: each.until) if len(pauses) == len(found) else None

    async def __call__(self, code: CodeDelivery, channels: Sequence[Channel]) -> SettledDelivery:
        """Deliver a code by the first of its channels that takes it.

        Raises:
            StorageError: nothing was sent.
        """
        try:
            result = await self.deliver(code, channels[1:])
        except StorageError:
            await self._reject(code, DeliveryResult(DeliveryStatus.NOT_CONNECTED))
            raise
        if result.status in MAYBE_SENT:
            return SettledDelivery(result)
        return SettledDelivery(result, await self._reject(code, result))

    async def deliver(self, code: CodeDelivery, next_channels: Sequence[Channel]) -> DeliveryResult:
        """Deliver a code by its channel, and by the next one where that sent nothing."""
        result, was_unknown = await self._wait_for_result(code, self._send(code, next_channels))
        if next_channels and result.status not in MAYBE_SENT:
            moved = await self.change_channel(code, result, next_channels[0])
            return await self.deliver(moved, next_channels[1:]) if moved else _LEFT
        self.events.record(
            make_delivery_event(code.phone, result, code.delivery.channel, code.delivery.provider)
        )
        if result.status in MAYBE_SENT:
            await self._keep_result(code, result, was_unknown=was_unknown)
        return result

    async def change_channel(
        self,
        code: CodeDelivery,
        failed: DeliveryResult,
        channel: Channel,
        *,
        is_reported: bool = False,
    ) -> CodeDelivery | None:
        """Let a code go by another channel, once for a delivery.

        `is_reported` is whether the provider of the channel before says so after it had taken the
        message. None if the delivery had left that channel before, or was ended.
        """
        former, challenge, names = code.delivery, code.challenge, self.providers(channel)
        request_id = former.request_id
        reason = " ".join(filter(None, (failed.error_code, failed.full_reason)))

        def fall_back(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, CodeDelivery | None]:
            found = verification.deliveries.find(request_id)
            if found is None or found.channel is not former.channel:
                return verification, None
            last = verification.last_provider(channel, challenge.purpose, challenge.bound_to)
            provider = order_after(names, last)[0]
            deliveries = verification.deliveries.fall_back(request_id, channel, provider, reason)
            moved = deliveries.find(request_id) or found
            following = replace(code, delivery=moved, last_provider=last)
            return replace(verification, deliveries=deliveries), following

        following = await change(self.phone_verifications, code.phone, fall_back)
        if following is not None:
            self.events.record(
                OtpFellBack(
                    phone=code.phone,
                    reason=failed.full_reason,
                    channel=former.channel,
                    provider=failed.provider,
                    is_reported=is_reported,
                    error_code=failed.error_code,
                    result=failed.status,
                    next_channel=channel,
                )
            )
        return following

    async def _send(self, code: CodeDelivery, next_channels: Sequence[Channel]) -> DeliveryResult:
        phone, delivery = code.phone, code.delivery
        code_channel = self.additions.code_channels.get(delivery.channel)
        if code_channel is not None:
            return await code_channel.send(code, next_channels, self)
        message = self.render(code)
        if self.webhook_urls is not None:
            message = name_message(
                message,
                delivery.report_id,
                phone,
                self.clock.now().date(),
                self.keyed_hashes,
                self.webhook_urls.sms_status,
            )
        result = await self.messenger.send(phone, message, code.last_provider)
        self.keep_message(code, result, message)
        return result

    def render(self, code: CodeDelivery) -> CodeMessage:
        """Render the message of a delivery."""
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

    def keep_message(
        self, code: CodeDelivery, result: DeliveryResult, message: CodeMessage
    ) -> None:
        """Keep a message that was sent, where a page shows it."""
        if result.status in MAYBE_SENT and self.additions.recent_messages is not None:
            self.additions.recent_messages.add(code.delivery.public_id, message.text)

    async def _wait_for_result(
        self, code: CodeDelivery, sending: Coroutine[Any, Any, DeliveryResult]
    ) -> tuple[DeliveryResult, bool]:
        """Return the result of a delivery, and whether it was recorded as unknown meanwhile."""
        task = start_task("send_otp", sending)
        try:
            await asyncio.wait([task], timeout=SLOW_DELIVERY)
            is_slow = not task.done()
            if is_slow:
                await self._keep_result(code, _NO_ANSWER_YET)
            return await task, is_slow
        finally:
            task.cancel()

    async def _keep_result(
        self, code: CodeDelivery, result: DeliveryResult, *, was_unknown: bool = False
    ) -> None:
        """Record another provider than the one that is tried first, and an unknown result."""
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
        """Record that no provider took a delivery, and release its permits; None if that failed."""
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
                outcome, bound_to = result.status.outcome, code.challenge.bound_to
                await self.delivery_limiter.settle(
                    code.phone, recorded, outcome, bound_to, code.session_id
                )
            return rejected
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice:
    """Send a message without a one-time code to a number that an account had or has.

    - Nothing is sent to a number that gets no messages, to one with a fixed code, and to a country
      that is not served.
    - Neither limits nor a block of its prefix or country count here: a caller knows whether the
      owner has to hear of it.
    - Its language is that of the number's country, or the default one. The request may come from a
      thief, who would choose one that the owner does not read.
    """

    phone_verifications: PhoneVerifications
    messenger: MessageProviders
    templates: SmsTemplates
    codes: CodeDerivation
    clock: Clock
    events: SecurityEvents
    countries: Collection[str] | None

    async def __call__(self, phone: PhoneNumber, notice: PhoneNotice) -> bool:
        """Send the message, and return whether it needs no other attempt."""
        now = self.clock.now()
        if not self.is_served(phone) or self.codes.has_fixed_code(phone, now):
            return True
        if (await self.phone_verifications.load(phone)).value.gets_no_messages:
            return True
        message = self.templates.render_notice(notice, country=phone.country)
        result = await self.messenger.send(phone, message)
        is_sent = result.status in MAYBE_SENT
        if is_sent:
            self.events.record(
                PhoneNoticeSent(
                    phone=phone,
                    reason=result.full_reason,
                    channel=Channel.SMS,
                    provider=result.provider,
                    provider_message_id=result.provider_message_id,
                    error_code=result.error_code,
                    result=result.status,
                )
            )
        else:
            self.events.record(
                PhoneNoticeRejected(
                    phone=phone,
                    reason=result.full_reason,
                    channel=Channel.SMS,
                    provider=result.provider,
                    error_code=result.error_code,
                    result=result.status,
                )
            )
        return is_sent or result.status is DeliveryStatus.INVALID_NUMBER

    def is_served(self, phone: PhoneNumber) -> bool:
        """Return whether the operator sends messages to the country of a number."""
        return self.countries is None or phone.country in self.countries
