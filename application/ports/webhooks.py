"""The requests of providers, and what they report of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.otp.delivery_report import ReportedStatus


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it arrived.

    Attributes:
        url: The public URL, with the raw path and query. It is made from the settings, never from
            headers.
        headers: The headers by lower-case name; the values of one that is repeated are joined by
            a comma.
        form: The fields of a form in their order, duplicates included; empty for other bodies.
        body: The raw body.
    """

    url: str
    headers: Mapping[str, str]
    form: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """Where a message is. `status` is None if the request says nothing about a delivery.

    `error_code` is the provider's code of an error, `provider_message_id` the provider's id of the
    message. Both are empty if there is none.
    """

    status: ReportedStatus | None
    error_code: str = ""
    provider_message_id: str = ""


class StatusCallbacks(Protocol):
    """Reads the status callbacks of a provider. A messenger can have this method."""

    def read_status(self, request: SignedRequest) -> MessageStatus | None:
        """Return what a request reports, or None if it is not authentic.

        - The signature of the provider has to cover the URL, which names the message, and the body.
        - A malformed request is not authentic. No request raises an exception.
        """
        ...
