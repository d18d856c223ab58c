"""The port that sends messages to phones."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.phone import PhoneNumber


class DeliveryStatus(StrEnum):
    """What a provider did with a message or call.

    - `ACCEPTED`: the provider took it.
    - `REJECTED`: it was not sent. Only then may another provider be tried.
    - `UNKNOWN`: there was no response. It may have been sent.
    - `INVALID_NUMBER`: no provider can reach the number.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    INVALID_NUMBER = "invalid_number"


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The status of a message or call and, unless it was accepted, a reason.

    - Clients may see the reason: it contains no phone number and no secret.
    - The reason of `INVALID_NUMBER` says what the person can do.
    - A call that was accepted has the provider's id.
    """

    status: DeliveryStatus
    reason: str = ""
    provider_call_id: str = ""


class Messenger(Protocol):
    """Sends text messages to phones."""

    async def send(self, phone: PhoneNumber, text: str, status_url: str = "") -> DeliveryResult:
        """Send the message in bounded time; a failure is a result, not an exception.

        Args:
            phone: The recipient.
            text: The message.
            status_url: Where the provider posts what became of the message, if it can. It may do
                so before this method returns. If it is empty, it posts nothing.
        """
        ...
