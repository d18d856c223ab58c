"""Send a message, whatever it says, or imitate that for a blocked phone."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.extensions import OtpExtensions, SentMessage
from application.ports.otp import DeliveryResult, DeliveryStatus, MessageProviders, TextMessage
from domain.otp.delivery import Channel
from domain.otp.rate_limits import Acquisition
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class SendText:
    """Send a message by the providers in their order. What it costs is counted.

    The first of the providers is `provider`.
    """

    messenger: MessageProviders
    timing: DeliveryTimingProfile
    extensions: OtpExtensions
    provider: str
    channel: Channel = Channel.SMS

    async def __call__(
        self,
        phone: PhoneNumber,
        message: TextMessage,
        order: Sequence[str] = (),
        taken: Acquisition | None = None,
    ) -> DeliveryResult:
        """Send the message; a failure is a result, not an exception.

        Args:
            phone: The phone.
            message: The message.
            order: The names of the providers that are tried first.
            taken: What it took of budgets. What it does not cost is given back.
        """
        sending = self.messenger.send(phone, message, order)
        result = await self.timing.record(phone.country, sending)
        sent = self._make_sent(phone, message, result)
        if sent is not None:
            self.extensions.count_cost(sent)
        await self._settle(taken, sent)
        return result

    async def imitate(
        self, phone: PhoneNumber, message: TextMessage, taken: Acquisition | None = None
    ) -> DeliveryResult:
        """Take as long as a message to this country, with such a result, and send nothing.

        What was taken of budgets is settled as if the message had been sent.
        """
        result = await self.timing.imitate(phone.country)
        await self._settle(taken, self._make_sent(phone, message, result))
        return result

    def _make_sent(
        self, phone: PhoneNumber, message: TextMessage, result: DeliveryResult
    ) -> SentMessage | None:
        if result.status not in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN):
            return None
        provider = result.provider or self.provider
        return SentMessage(
            country=phone.country, channel=self.channel, provider=provider, text=message.text
        )

    async def _settle(self, taken: Acquisition | None, sent: SentMessage | None) -> None:
        if taken is not None and self.extensions.spending is not None:
            await self.extensions.spending.settle(taken, sent)

    def durations_of(self, status: DeliveryStatus) -> Sequence[float]:
        """Return how many seconds the latest messages with this result took."""
        return self.timing.durations_of(status)
