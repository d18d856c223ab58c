"""The ports of one-time codes: verifications, messages and their templates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from application.ports.versioned import Expiring, Savable, Versioned
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.messages import MessagePreferences
from domain.otp.permits import Outcome
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


class PhoneVerifications(Savable[PhoneNumber, PhoneVerification], Expiring, Protocol):
    """The verification of each phone, found by the phone.

    A version is never used again, even after the record was deleted and added anew.
    """

    async def load(self, phone: PhoneNumber, /) -> Versioned[PhoneVerification]:
        """Load the verification. A phone without one has an empty one with version 0."""
        ...

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` verifications whose `client_ips_expire_at` passed.

        A verification that is replaced meanwhile is left to the next call, and is not counted.
        """
        ...


class DeliveryStatus(StrEnum):
    """What a provider did with a message or call.

    - `ACCEPTED`: the provider took it.
    - `NOT_CONNECTED`: there was no connection to the provider, so nothing was sent.
    - `UNAVAILABLE`: the provider said, by an error of its own, that it did not send it, because of
      this account (credentials, balance, rate, sender) or of the provider itself.
    - `REJECTED`: the provider said, by an error of its own, that it did not send it, for any other
      reason.
    - `UNKNOWN`: everything else. It may have been sent, so it counts as sent.
    - `INVALID_NUMBER`: the provider said that the number is unreachable.

    Another provider may be tried only after `NOT_CONNECTED`, `UNAVAILABLE` and `REJECTED`. After
    the first two a delivery gives back all permits that phones share.
    """

    ACCEPTED = "accepted"
    NOT_CONNECTED = "not_connected"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    INVALID_NUMBER = "invalid_number"

    @property
    def outcome(self) -> Outcome:
        """What became of a delivery that was not sent."""
        if self is DeliveryStatus.NOT_CONNECTED:
            return Outcome.NO_CONNECTION
        if self is DeliveryStatus.UNAVAILABLE:
            return Outcome.REJECTED_FOR_US
        return Outcome.REJECTED_FOR_RECIPIENT


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The status of a message or call and, unless it was accepted, a reason.

    - The reason is for operators. It contains no phone number and no secret.
    - Only that of `INVALID_NUMBER` is for the person too: it says what to do.
    - A call that was accepted has the provider's id.
    - `provider` is the name of the provider that took it, or may have taken it, or rejected it.
    - `provider_message_id` is the provider's id of a message that it took.
    - `error_code` is the provider's code of an error: a short word or number.
    - `details` are what operators see beside the reason: an error of the network or of an adapter.
    - No field has the phone number or the code.
    """

    status: DeliveryStatus
    reason: str = ""
    provider_call_id: str = ""
    provider: str = ""
    provider_message_id: str = ""
    error_code: str = ""
    details: str = ""

    @property
    def full_reason(self) -> str:
        """Reason and details, for operators."""
        return f"{self.reason} ({self.details})" if self.details else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage:
    """A message as a finished text. A `CodeMessage` and a `NoticeMessage` say what it is made of.

    The repr has neither the text nor a code, so that these cannot get into a log.

    Attributes:
        text: The whole message, for providers that send any text.
        locale: The language of the text in its normal spelling, such as pt-BR or zh-Hant; None for
            a text that the operator wrote for a country: its language is not known.
        requested_locale: The language that the client asked for in its normal spelling; None if it
            asked for none. A provider with templates of its own may have them in this language.
        reference: Names the message in what the provider reports: `MessageStatus.reference`. It has
            at most 64 letters, digits and hyphens, and is new for each message of a channel. Empty
            if nothing is to be reported.
        status_url: Where the provider posts what became of the message, if it takes a URL for each
            message. It may do so before `send` returns. Empty if nothing is to be reported.
    """

    text: str = field(repr=False)
    locale: str | None = None
    requested_locale: str | None = None
    reference: str = ""
    status_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMessage(TextMessage):
    """A message with a one-time code, and what providers with templates put into theirs.

    Attributes:
        code: The code, ASCII digits. The text has it too.
        purpose: What the code allows: each purpose has a text of its own.
        lifetime: For how long the code is valid from now on, not rounded. The text has it in whole
            minutes, rounded down, and at least one.
    """

    code: str = field(repr=False)
    purpose: Purpose
    lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMessage(TextMessage):
    """A message without a one-time code: it tells somebody what happened.

    Attributes:
        notice: What it says: a value of `PhoneNotice` (`domain/identities/phone_change.py`).
    """

    notice: str


class Messenger(Protocol):
    """Sends messages to phones."""

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        """Send the message; a failure is a result, not an exception.

        - It ends within ten seconds, retries included: after that the result is `UNKNOWN`. A
          request whose result is unknown is not repeated.
        - No text is an error: what the provider does not accept is `REJECTED`.
        - The message is a `CodeMessage` or a `NoticeMessage`. A messenger that cannot send one of
          them, such as a provider that has templates for codes only, returns `REJECTED`.
        """
        ...


@dataclass(frozen=True, slots=True)
class PausedProvider:
    """A provider that this process does not call until a time, and why."""

    name: str
    reason: str
    until: datetime


class MessageProviders(Protocol):
    """The messengers of the operator, in their order, as one."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the messengers, at least one, in the operator's order."""
        ...

    async def send(
        self, phone: PhoneNumber, message: TextMessage, last_provider: str = ""
    ) -> DeliveryResult:
        """Send the message, as `Messenger` says. The result names the provider.

        `last_provider` had this message last, and may have lost it: the next one is tried first, it
        last. Empty unless a message is sent again.
        """
        ...

    def find_pause(self) -> PausedProvider | None:
        """Return the provider that is called again first; None if one may be called now.

        Until then `send` returns `UNAVAILABLE`.
        """
        ...


class RecentMessages(Protocol):
    """The last messages that were sent, for a page that shows them in development."""

    def add(self, request_id: str, text: str) -> None:
        """Keep a message for a short time, unless others take its place before.

        Args:
            request_id: The id in the response to the request for the code: only its client has it.
            text: The message.
        """
        ...

    def find(self, request_id: str) -> str | None:
        """Return the message that this request caused, None if it is not kept."""
        ...


class SmsTemplates(Protocol):
    """Renders the messages with a code, and those without one."""

    def render(
        self,
        code: OtpCode,
        *,
        lifetime: timedelta,
        country: str,
        preferences: MessagePreferences,
        purpose: Purpose = Purpose.SIGN_IN,
    ) -> CodeMessage:
        """Render the message for a phone number of `country`.

        - The country's template wins over the requested language, and that over the default.
        - The message has the code, and follows the rules in `docs/messages.md`.
        - There is a message for each purpose and all preferences; unknown ones are not an error.

        Args:
            code: The code to send.
            lifetime: For how long the code is still valid.
            country: The ISO 3166-1 code of the phone number's country.
            preferences: What the client asked for.
            purpose: What the code allows; each purpose has a text of its own.
        """
        ...

    def render_notice(self, notice: PhoneNotice, *, country: str) -> NoticeMessage:
        """Render the message without a one-time code for a phone number of `country`.

        The template is that of the country, or else of the default language.

        Args:
            notice: What the message says.
            country: The ISO 3166-1 code of the phone number's country.
        """
        ...
