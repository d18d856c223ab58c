"""The port that reads what a message provider reports."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.webhook_signatures import SignedRequest
from domain.otp.delivery_report import ReportedStatus


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """Where a message is. `status` is None if the request says nothing about a delivery.

    `error_code` is the provider's code of an error, empty if there is none.
    """

    status: ReportedStatus | None
    error_code: str = ""


class StatusCallbacks(Protocol):
    """Reads the status callbacks of a provider. A messenger can have this method."""

    def read_status(self, request: SignedRequest) -> MessageStatus | None:
        """Return what a request reports, or None if it is not authentic.

        - The signature of the provider has to cover the URL, which names the message, and the body.
        - A malformed request is not authentic. No request raises an exception.
        """
        ...
