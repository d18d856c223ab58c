"""The port that sends messages to phones."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.phone import PhoneNumber


class DeliveryStatus(StrEnum):
    """What a provider did with a message.

    - `ACCEPTED`: the provider took the message.
    - `REJECTED`: the message was not sent. Only then may another provider be tried.
    - `UNKNOWN`: there was no response. The message may have been sent.
    - `INVALID_NUMBER`: the number cannot get messages from any provider.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    INVALID_NUMBER = "invalid_number"


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The status of a message and, unless it was accepted, a reason.

    - Clients may see the reason: it contains no phone number and no secret.
    - The reason of `INVALID_NUMBER` says what the person can do.
    """

    status: DeliveryStatus
    reason: str = ""


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
