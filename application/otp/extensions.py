"""What features add to one-time codes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from application.ports.otp import DeliveryResult, RecentMessages
from domain.otp.attestation_proof import AttestationProof
from domain.otp.challenge import Challenge
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.message_preferences import MessagePreferences
from domain.otp.permits import Permits, Recognition
from domain.otp.rate_limits import Acquisition, Reservation
from domain.phone import PhoneNumber


class CodeCalls(Protocol):
    """Calls phones to read codes to them."""

    @property
    def provider(self) -> str:
        """The name of the provider of calls."""
        ...

    async def __call__(
        self, phone: PhoneNumber, preferences: MessagePreferences, decision: DeliveryDecision
    ) -> DeliveryResult:
        """Place the call of a delivery that has the id of a call, or imitate that.

        Raises:
            StorageError: no call was placed.
        """
        ...

    def retry_after(self) -> float:
        """Return after how many seconds a call is handed to the provider; 0 for now."""
        ...


@dataclass(frozen=True, slots=True)
class CodeDelivery:
    """A delivery that is recorded, and what its message is made of.

    Attributes:
        phone: The phone.
        preferences: What the client asked for.
        delivery: The delivery. Its channel is the one that is tried.
        challenge: Has the code.
    """

    phone: PhoneNumber
    preferences: MessagePreferences
    delivery: Delivery
    challenge: Challenge


class MessageChannel(Protocol):
    """Sends codes by messages that reach only the numbers of its customers, such as WhatsApp.

    Whether it reaches a number is nobody's business: see `DeliverInOrder`.
    """

    @property
    def provider(self) -> str:
        """The name of the provider that is tried first."""
        ...

    async def send(
        self, code: CodeDelivery, next_channels: Sequence[Channel]
    ) -> DeliveryResult | None:
        """Send the code of a delivery.

        - `INVALID_NUMBER` says that this channel cannot reach the number. After it, and after a
          result that says that nothing was sent, the caller tries the next channel: this one never
          tries it for the same delivery.
        - None says that what the provider reported has decided meanwhile what happens: nothing is
          left to do.
        - A failure of the database is no error.

        Args:
            code: The delivery.
            next_channels: What is tried where the provider reports later that it failed.
        """
        ...

    def retry_after(self) -> float:
        """Return after how many seconds a message is handed to the provider; 0 for now."""
        ...


class AcquireForProof(Protocol):
    """Gives permits for a proof that a client sends."""

    async def __call__(
        self,
        phone: PhoneNumber,
        client_ip: HashedClientIp,
        channel: Channel,
        proof: AttestationProof | None,
        recognition: Recognition,
        reservation: Reservation,
        available_at: datetime,
    ) -> Acquisition | datetime:
        """Acquire permits that were rejected without a proof.

        Args:
            phone: The phone that the code is for.
            client_ip: The IP of the client.
            channel: How the code is delivered.
            proof: The proof, None if the client asks what it needs for one.
            recognition: How the client is recognized.
            reservation: The reservation with all parts.
            available_at: When there are permits without a proof.

        Returns:
            The permits, or when the same request can be sent again.

        Raises:
            DomainError: there is no proof, or it is not valid.
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message that a provider took, or may have taken. It has the price of its country.

    One by WhatsApp has the price of a message, whatever its text; all others that of their parts.
    """

    country: str
    channel: Channel
    provider: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """A call that was answered and has ended. It has the price of the country that was called."""

    channel: ClassVar[Channel] = Channel.VOICE

    country: str
    provider: str
    seconds: float


def count_nothing(_: SentMessage | EndedCall) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCode:
    """A code that a provider took or may have taken, or one that was entered.

    Both have the same values, but for `is_entered`: those of the delivery.

    Attributes:
        country: The country of the phone.
        channel: How the code was delivered.
        provider: The name of the provider that took it.
        recognition: How the client was recognized that requested it.
        has_proof: Whether it has a permit for a proof.
        network: The hash of the client's network, as `HashedClientIp` has it.
        number_range: The hash of the phone's number range, as `DeliveryRoute` has it.
        fraction: A number from 0 to 1 that is random for clients, for samples.
        sample: The name of the feature in whose random sample of phones it is; empty if in none.
        sent_at: When the code was requested.
        is_entered: Whether it was entered; otherwise it was sent.
    """

    country: str
    channel: Channel
    provider: str
    recognition: Recognition
    has_proof: bool
    network: str
    number_range: str
    fraction: float
    sample: str = ""
    sent_at: datetime
    is_entered: bool


def count_no_code(_: CountedCode) -> None:
    """Count nothing."""


def find_no_sample(phone: PhoneNumber, recognition: Recognition, sent_at: datetime) -> str:
    """Return that a code is in no sample."""
    del phone, recognition, sent_at
    return ""


class OrderProviders(Protocol):
    """Chooses in which order the providers of a channel are tried."""

    def __call__(
        self, country: str, channel: Channel, providers: Sequence[str], fraction: float
    ) -> Sequence[str]:
        """Return the names of the providers in the order in which they are tried.

        It waits for nothing and never raises.

        Args:
            country: The country of the phone.
            channel: How the code is delivered.
            providers: The names in the operator's order.
            fraction: A number from 0 to 1 that is random for clients, and the same for a request.
        """
        ...


class OrderChannels(Protocol):
    """Chooses in which order the channels of a country are tried."""

    def __call__(
        self, country: str, channels: Sequence[Channel], fraction: float
    ) -> Sequence[Channel]:
        """Return the channels in the order in which they are tried.

        It waits for nothing and never raises. The order never depends on the number: it would tell
        who uses a channel.

        Args:
            country: The country of the phone.
            channels: The channels in the operator's order.
            fraction: A number from 0 to 1 that is random for clients, and the same for a request.
        """
        ...


class Spending(Protocol):
    """Keeps what messages and calls cost within the budgets of the operator.

    An amount is taken before a delivery, with its other permits: the highest price that it may
    have by any of its channels. What the delivery did not cost is given back. Where that fails, it
    counts until the window has passed. No method raises an error.
    """

    def find(
        self, country: str, channels: Sequence[Channel], permits: Permits | None, parts: int = 0
    ) -> Acquisition:
        """Return what a delivery or a callback with these permits took before; it may be nothing.

        Args:
            country: The country of the phone.
            channels: The channels that the code was to be tried by when the amount was taken.
            permits: The permits, None if they were cleared.
            parts: The parts of a message, as they were counted then.
        """
        ...

    async def acquire(
        self, country: str, channel: Channel, parts: int = 0, follows: Permits | None = None
    ) -> Acquisition | None:
        """Take the amount of a delivery that has no permits of its own; None if there is none left.

        It is for messages without a code, which only a hard end stops, and for a code that was sent
        and is sent again by another channel: it is taken from the part of the budget that the first
        message has by its permits.
        """
        ...

    async def settle(self, taken: Acquisition, counted: "SentMessage | EndedCall | None") -> None:
        """Give back what a delivery has not cost: all of it, if nothing was sent.

        Args:
            taken: What was taken for it.
            counted: What it came to; None if it is certain that it costs nothing.
        """
        ...

    async def keep_for_call(self, call_id: str, taken: Acquisition) -> None:
        """Keep what was taken for a call that is placed next, until `end_call` settles it."""
        ...

    async def end_call(self, call_id: str, ended: "EndedCall | None") -> None:
        """Settle a call that ended, once. One that nothing was taken for is counted.

        Args:
            call_id: Our id of the call.
            ended: What is charged; None if nobody answered, or no call was placed.
        """
        ...

    async def count(self, ended: "EndedCall") -> None:
        """Count a call that ended, and that nothing was taken for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """A provider that is tried last in a country for now, or its channel after the next one.

    Attributes:
        country: The country.
        channel: The channel.
        provider: The name of the provider.
        since: Since when.
        until: Until when at least.
        reason: Why, in a sentence without a phone number.
    """

    country: str
    channel: str
    provider: str
    since: datetime
    until: datetime
    reason: str


@dataclass(slots=True)
class OtpExtensions:
    """What features add. A feature sets its part when it is opened.

    Attributes:
        code_calls: Calls phones; None where codes are sent by messages only.
        message_channels: Channels of messages besides the SMS.
        attest_delivery: Gives permits for proofs; None where none are asked for.
        count_cost: Counts what a message or call costs. It never raises.
        count_code: Counts codes that were sent or entered. It never raises, and waits for nothing.
        find_sample: Returns the name of a feature if a code is in its random sample of phones, by
            the phone, the recognition of its requester, and the time of the request.
        order_providers: Chooses the order of the providers; None where it is the operator's.
        order_channels: Chooses the order of the channels where the client named none; None where it
            is the operator's.
        list_left_providers: Lists the providers that are tried last; None where none ever is.
        spending: Keeps costs within budgets; None where there is none.
        recent_messages: Keeps messages for a page that shows them; None where no page does.
    """

    code_calls: CodeCalls | None = None
    message_channels: dict[Channel, MessageChannel] = field(default_factory=dict)
    attest_delivery: AcquireForProof | None = None
    count_cost: Callable[[SentMessage | EndedCall], None] = count_nothing
    count_code: Callable[[CountedCode], None] = count_no_code
    find_sample: Callable[[PhoneNumber, Recognition, datetime], str] = find_no_sample
    order_providers: OrderProviders | None = None
    order_channels: OrderChannels | None = None
    list_left_providers: Callable[[], Awaitable[Sequence[ProviderState]]] | None = None
    spending: Spending | None = None
    recent_messages: RecentMessages | None = None
