"""What features add to one-time codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from application.limits.delivery_limiter import LimitReached, RequestPermits
from application.ports.otp import CodeMessage, DeliveryResult, PausedProvider, RecentMessages
from domain.otp.challenge import Challenge
from domain.otp.delivery import Channel, Delivery
from domain.otp.messages import MessagePreferences
from domain.otp.otp_request import OtpRequest, Proof
from domain.otp.permits import Permits
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class CodeDelivery:
    """A delivery that is recorded, and what its message is made of.

    Attributes:
        delivery: The delivery. Its channel is the one that is tried.
        identity_id: The identity of the phone, if it has one: a call is in its call log.
        last_provider: Carried a code of this channel before, which was not entered; may be empty.
        session_id: The session that requested the code, if that is known and counts.
    """

    phone: PhoneNumber
    preferences: MessagePreferences
    delivery: Delivery
    challenge: Challenge
    identity_id: str | None = None
    last_provider: str = ""
    session_id: str | None = None


class CodeChannel(Protocol):
    """Delivers codes by calls, or by messages to the customers of a messenger, not by SMS."""

    @property
    def provider(self) -> str:
        """The name of the provider that is tried first."""
        ...

    async def send(
        self, code: CodeDelivery, next_channels: Sequence[Channel], messages: "CodeMessages", /
    ) -> DeliveryResult:
        """Send the code of a delivery.

        `INVALID_NUMBER` says that this channel cannot reach the number. After it, and after a
        result that says that nothing was sent, the caller tries the next channel.

        Args:
            code: The delivery. By calls, it has the id of one.
            next_channels: What is tried where the provider reports later that it failed.
            messages: Render and keep its message.

        Raises:
            StorageError: nothing was sent.
        """
        ...

    def find_pause(self) -> PausedProvider | None:
        """Return the pause in which nothing is handed to the provider; None for now."""
        ...


class CodeMessages(Protocol):
    """Makes the messages of codes, for a channel that sends them."""

    def render(self, code: "CodeDelivery") -> CodeMessage:
        """Render the message of a delivery."""
        ...

    def keep_message(
        self, code: "CodeDelivery", result: DeliveryResult, message: CodeMessage
    ) -> None:
        """Keep a message that was sent, where a page shows it."""
        ...


class AcquireForProof(Protocol):
    """Gives permits for a proof that a client sends."""

    async def __call__(
        self,
        phone: PhoneNumber,
        request: OtpRequest,
        proof: Proof | None,
        permits: RequestPermits,
        rejected: LimitReached,
    ) -> Permits | LimitReached:
        """Acquire permits that were rejected without a proof.

        Args:
            phone: The phone that the code is for.
            request: The request.
            proof: The proof, None if the client asks what it needs for one.
            permits: What the request may acquire.
            rejected: When there are permits without a proof.

        Returns:
            The permits, or when the same request can be sent again.

        Raises:
            DomainError: there is no proof, or it is not valid.
            StorageError
        """
        ...


@dataclass(frozen=True, kw_only=True)
class OtpAdditions:
    """What features add to one-time codes.

    Attributes:
        code_channels: The channels besides SMS. A code for any other channel is sent as an SMS,
            such as one for a call that the terminal shows.
        acquire_for_proof: None where no proofs are asked for.
        recent_messages: For a page that shows them; None where no page does.
    """

    code_channels: Mapping[Channel, CodeChannel] = field(default_factory=dict)
    acquire_for_proof: AcquireForProof | None = None
    recent_messages: RecentMessages | None = None
