"""The ports for the requests of a telephony provider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ports.webhook_signatures import SignedRequest, WebhookSignatures
from domain.otp.delivery_report import ReportedStatus
from domain.phone import PhoneNumber
from domain.voice.call import CallStatus
from domain.voice.instructions import Instruction, Position
from domain.voice.walk import CallEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFields:
    """What a provider's request says, in our words.

    Attributes:
        provider_call_id: The provider's id of the call, empty if there is none.
        caller: The phone that calls. It is a claim, and None if it is suppressed or no valid
            number.
        called: The phone that is called, None if it is no valid number.
        event: What happened in the call.
        call_status: Where the call is, if the request says it.
        message_status: Where a message is, if the request says it.
        error_code: The provider's code of an error, empty if there is none.
    """

    provider_call_id: str
    caller: PhoneNumber | None
    called: PhoneNumber | None
    event: CallEvent
    call_status: CallStatus | None
    message_status: ReportedStatus | None
    error_code: str


class WebhookParser(Protocol):
    """Reads requests that are authentic."""

    def parse(self, request: SignedRequest) -> WebhookFields:
        """Return what the request says. What is missing or invalid is empty; nothing raises.

        A recording is reported once it is complete.
        """
        ...


@dataclass(frozen=True, slots=True)
class Markup:
    """A response to a provider's request."""

    media_type: str
    text: str


class CallMarkup(Protocol):
    """Renders instructions."""

    def render(
        self,
        instructions: Sequence[Instruction],
        url_of: Callable[[Position], str],
        recording_status_url: str = "",
    ) -> Markup:
        """Render instructions as one valid document; any text is escaped.

        - An instruction that waits for an answer or ends the call is the last one; those after it
          are left out. Without one, the call ends after the last instruction.
        - Silence is an answer too, also of a recording.

        Args:
            instructions: What the call does, in this order.
            url_of: The absolute URL where an answer continues.
            recording_status_url: Where the provider reports that a recording is complete.
        """
        ...


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What verifies, reads and answers the requests of one provider."""

    signatures: WebhookSignatures
    parser: WebhookParser
    markup: CallMarkup
