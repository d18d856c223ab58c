"""Send a message, whatever it says, or imitate that for a blocked phone."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.otp.delivery_timing import DeliveryTimingProfile
from application.otp.extensions import OtpExtensions, SentMessage
from application.ports.otp import DeliveryResult, DeliveryStatus, MessageProviders, TextMessage
from domain.otp.delivery import Channel
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
        self, phone: PhoneNumber, message: TextMessage, order: Sequence[str] = ()
    ) -> DeliveryResult:
        """Send the message; a failure is a result, not an exception.

        Args:
            phone: The phone.
            message: The message.
            order: The names of the providers that are tried first.
        """
        sending = self.messenger.send(phone, message, order)
        result = await self.timing.record(phone.country, sending)
        if result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN):
            sent = SentMessage(
                country=phone.country,
                channel=self.channel,
                provider=result.provider or self.provider,
                text=message.text,
            )
            self.extensions.count_cost(sent)
        return result

    async def imitate(self, phone: PhoneNumber) -> DeliveryResult:
        """Take as long as a message to this country, with such a result, and send nothing."""
        return await self.timing.imitate(phone.country)

    def durations_of(self, status: DeliveryStatus) -> Sequence[float]:
        """Return how many seconds the latest messages with this result took."""
        return self.timing.durations_of(status)
