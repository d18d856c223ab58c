"""The port that verifies requests of a telephony provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


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


class WebhookSignatures(Protocol):
    """Verifies that a request came from the provider, for our account."""

    def verify(self, request: SignedRequest) -> bool:
        """Return whether the request is authentic.

        - A request of another account is not, nor one in which a used field occurs twice.
        - A malformed request is not. No request raises an exception.
        - JSON is verified by its body, and its fields are those of the outermost object.
        """
        ...
