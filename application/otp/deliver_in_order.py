"""Deliver a code by the channels of a country, one after another."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from application.otp.deliver_otp import BLOCKED, TAKEN, DeliverOtp, make_delivery_event
from application.otp.events import OtpFellBack, OtpSuppressed
from application.otp.extensions import CodeDelivery
from application.ports.errors import StorageError
from application.ports.otp import DeliveryResult, DeliveryStatus, PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.tasks import start_task
from application.update import change
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus
from domain.otp.message_preferences import MessagePreferences
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

R = TypeVar("R", bound=DeliveryResult | None)

SLOW_DELIVERY: Final = 1.0
"""Seconds after which the result of a delivery is recorded as unknown until it is known."""
HIDDEN_WAIT: Final = 1.5
"""Seconds from the start of a hidden delivery to its response, whatever becomes of it."""
LOOKS_SENT_AFTER: Final = timedelta(seconds=3)
"""From the start of a hidden delivery to the time from which on clients see it as sent."""
_NO_ANSWER_YET: Final = DeliveryResult(
    DeliveryStatus.UNKNOWN, "The provider has not answered yet, or the service ended before."
)
_NOT_TAKEN: Final = "No channel took it, and the client was not told: {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverInOrder:
    """Deliver a code by the first channel that takes it, and hide which one that is.

    A channel such as WhatsApp reaches only the numbers of its customers. Nobody learns from a
    response, an id or a time whether a number is one of them:

    - The response to the client leaves `HIDDEN_WAIT` after the delivery began. What is not done by
      then goes on. Where an SMS comes first and a provider takes it, the response leaves at once.
    - It is that of a message that was sent, also where no channel took it: it would differ from the
      one for a number that the channel reaches. Such a delivery counts as sent.
    - Nothing is sent to a blocked phone, whose response leaves at the same time.
    - The report that clients see is made here. What the providers report has other ids.

    Operators see in the events, and with the phone, what happened.
    """

    deliver_otp: DeliverOtp
    phone_verifications: PhoneVerifications
    delivery_reports: ExpiringRecords[DeliveryReport]
    events: SecurityEvents
    clock: Clock
    _running: set[asyncio.Task[Any]] = field(default_factory=set)

    def is_hidden(self, channels: Sequence[Channel]) -> bool:
        """Return whether clients must not see by which of these channels a code goes."""
        message_channels = self.deliver_otp.extensions.message_channels
        return any(channel in message_channels for channel in channels)

    async def __call__(
        self,
        phone: PhoneNumber,
        preferences: MessagePreferences,
        decision: DeliveryDecision,
        channels: Sequence[Channel],
    ) -> bool:
        """Deliver a code, and return when the client may know that it was sent.

        Returns:
            Whether a provider has confirmed by then that it took the message.
        """
        code = CodeDelivery(phone, preferences, decision.delivery, decision.challenge)
        is_visible = asyncio.Event()
        delivering = self.start(self._deliver(code, decision, channels, is_visible))
        with suppress(TimeoutError):
            async with asyncio.timeout(HIDDEN_WAIT):
                await is_visible.wait()
        return delivering.done() and delivering.exception() is None and delivering.result()

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
    ) -> bool:
        """Send the code of a delivery by the next channels.

        The caller sees to it that this is done once for a delivery.

        Args:
            code: The delivery.
            failed: What the provider of the channel before says.
            channels: The next channels.

        Returns:
            Whether a provider took it.
        """
        phone, delivery, channel = code.phone, code.delivery, channels[0]
        self.events.record(
            OtpFellBack(
                phone=phone,
                reason=failed.full_reason,
                channel=delivery.channel,
                provider=failed.provider or delivery.provider,
                error_code=failed.error_code,
                result=failed.status,
                next_channel=channel,
            )
        )
        provider = self.deliver_otp.first_provider(channel)
        changed = replace(delivery, channel=channel, provider=provider)

        def fall_back(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            deliveries = verification.deliveries.fall_back(delivery.request_id, channel, provider)
            return replace(verification, deliveries=deliveries), None

        with suppress(StorageError):
            await change(self.phone_verifications, phone, fall_back)
        return await self._try(replace(code, delivery=changed), channels)

    async def wait_for_result(
        self, phone: PhoneNumber, delivery: Delivery, sending: Coroutine[Any, Any, R]
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
                await self.keep_result(phone, delivery, _NO_ANSWER_YET)
            return await task, is_slow
        finally:
            task.cancel()

    async def keep_result(
        self,
        phone: PhoneNumber,
        delivery: Delivery,
        result: DeliveryResult,
        *,
        was_unknown: bool = False,
    ) -> None:
        """Record another provider than the one that is tried first, and an unknown result.

        A suppressed delivery is treated in the same way, so that the time reveals nothing.
        """
        is_unknown = result.status is DeliveryStatus.UNKNOWN
        if not (is_unknown or was_unknown) and result.provider in ("", delivery.provider):
            return
        unknown_reason = result.reason if is_unknown else None

        def keep(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            deliveries = verification.deliveries.keep_result(
                delivery.request_id, delivery.channel, result.provider, unknown_reason
            )
            return replace(verification, deliveries=deliveries), None

        with suppress(StorageError):
            await change(self.phone_verifications, phone, keep)

    async def _deliver(
        self,
        code: CodeDelivery,
        decision: DeliveryDecision,
        channels: Sequence[Channel],
        is_visible: asyncio.Event,
    ) -> bool:
        phone, delivery = code.phone, code.delivery
        if delivery.is_suppressed:
            self.events.record(OtpSuppressed(phone=phone, reason=BLOCKED, channel=channels[0]))
        if self.is_hidden(channels[:1]):
            await self._add_report(delivery)
            return await self._try(code, channels)
        sending = self.deliver_otp(code, decision)
        result, is_slow = await self.wait_for_result(phone, delivery, sending)
        if result.status in TAKEN:
            await self._end(code, result, was_unknown=is_slow)
            is_visible.set()
            return result.status is DeliveryStatus.ACCEPTED
        await self._add_report(delivery)
        return not delivery.is_suppressed and await self.fall_back(code, result, channels[1:])

    async def _try(self, code: CodeDelivery, channels: Sequence[Channel]) -> bool:
        """Send the code by the first of these channels, and by the next one if that fails."""
        rest = channels[1:]
        sending = self.deliver_otp.send_hidden(code, rest)
        result, is_slow = await self.wait_for_result(code.phone, code.delivery, sending)
        if result is None:
            return False
        if rest and result.status not in TAKEN:
            return await self.fall_back(code, result, rest)
        await self._end(code, result, was_unknown=is_slow)
        return result.status is DeliveryStatus.ACCEPTED

    async def _end(self, code: CodeDelivery, result: DeliveryResult, *, was_unknown: bool) -> None:
        """Record the result. A delivery that nobody took counts as sent."""
        phone, delivery = code.phone, code.delivery
        if not delivery.is_suppressed:
            self.events.record(
                make_delivery_event(phone, result, delivery.channel, delivery.provider)
            )
        if result.status not in TAKEN:
            reason = _NOT_TAKEN.format(reason=result.reason)
            result = replace(result, status=DeliveryStatus.UNKNOWN, reason=reason)
        await self.keep_result(phone, delivery, result, was_unknown=was_unknown)

    async def _add_report(self, delivery: Delivery) -> None:
        """Set the report that clients see, also where an imitated message has one."""
        now = self.clock.now()
        report = DeliveryReport(
            delivery.report_id,
            ReportedStatus.SENT,
            expires_at=now + REPORT_TTL,
            visible_at=now + LOOKS_SENT_AFTER,
        )
        with suppress(StorageError):
            await change(self.delivery_reports, report.id, lambda _: (report, None))
