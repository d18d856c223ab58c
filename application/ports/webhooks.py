"""The requests of providers, and what they report of messages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from domain.otp.delivery import ReportedStatus

MAX_SIGNATURE_AGE: Final = timedelta(minutes=5)
"""How far the time that a provider signs may be from now, in the past and in the future."""
MAX_STATUSES: Final = 1_000
"""How many statuses of one request are recorded; those after them are dropped."""
MAX_HANDSHAKE_LENGTH: Final = 1_000
"""Characters of a response to a handshake."""
_CONTROL_CHARACTERS: Final = re.compile(r"[\0-\x1f]")
_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\."
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it arrived.

    Attributes:
        url: The public URL, with the raw path and query. It is made from the settings, never from
            headers.
        headers: The headers by lower-case name; the values of one that is repeated are joined by
            a comma.
        form: The fields of a form in their order, duplicates included; empty for other bodies. A
            byte that is not UTF-8 is a surrogate, and `encode(errors="surrogateescape")` returns
            it: a signature is over bytes.
        body: The raw body.
    """

    url: str
    headers: Mapping[str, str]
    form: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    @property
    def json_text(self) -> str:
        """The body as JSON that decoders take, whatever people and carriers wrote in it.

        U+FFFD replaces what is not UTF-8, and half of a surrogate pair (RFC 8259 §8.2); spaces
        replace control characters, and a BOM is left out. So odd text in a field that nobody reads
        does not hide the other fields.
        """
        text = _CONTROL_CHARACTERS.sub(" ", self.body.decode("utf-8-sig", errors="replace"))
        return _ESCAPE.sub(lambda found: r"\ufffd" if found["half"] else found[0], text)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCoverage:
    """What the signature of a provider covers, besides the body. Without a declaration, it is all.

    An adapter declares it as its attribute `signature_coverage`, a constant.

    Attributes:
        url: Whether it covers the URL. If not, no parameter of the URL of a message counts: each
            status has a `reference`, and one without is dropped. The URLs of calls have a signature
            of our own then, and a request counts at one URL only.
        time: Whether it covers a time. Then a request whose time is more than `MAX_SIGNATURE_AGE`
            from now is not authentic: the adapter sees to it. If it signs none, an old request
            counts as often as it comes.
    """

    url: bool = True
    time: bool = True


def coverage_of(adapter: object) -> SignatureCoverage:
    """Return what an adapter declares."""
    declared: SignatureCoverage = getattr(adapter, "signature_coverage", SignatureCoverage())
    return declared


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """Where a message is. `status` is None if it says nothing about a delivery.

    Attributes:
        error_code: The provider's code of an error, empty if there is none.
        provider_message_id: The provider's id of the message, empty if there is none.
        reference: The `TextMessage.reference` that the body has. If it is empty, the URL names
            the message: it is the `status_url` of one. Any text may be here: one that names no
            message of ours is dropped.
        is_unreachable: Whether the provider says that this channel cannot reach the number, such as
            WhatsApp one that does not use it. Other failures say nothing of the number.
        reason: What the error means in words, for operators: of up to 200 characters, without the
            number and the code; empty if the adapter knows none.
    """

    status: ReportedStatus | None
    error_code: str = ""
    provider_message_id: str = ""
    reference: str = ""
    is_unreachable: bool = False
    reason: str = ""


class StatusCallbacks(Protocol):
    """Reads the status callbacks of a provider. A messenger can have this method.

    A provider posts them to the `status_url` of each message, or all to one fixed URL, the
    `/sms/status` of the service: then each status has its `reference`.
    """

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        """Return what a request reports, or None if it is not authentic.

        - The signature of the provider has to cover the body, and what `SignatureCoverage` says.
        - An authentic request that reports nothing, such as a message that somebody sent, is empty.
        - A malformed request is not authentic. No request raises an exception.
        """
        ...


class Handshakes(Protocol):
    """Answers the provider when it checks who owns the fixed URL. A messenger can have this method.

    An example is the GET with `hub.challenge` by which Meta checks a webhook.
    """

    def answer_handshake(self, request: SignedRequest) -> str | None:
        """Return the text that the provider expects, None if the GET request is no handshake of it.

        - It is a handshake only if it has a secret that the operator chose, or a signature; compare
          it with `hmac.compare_digest`. What strangers send is never returned to them.
        - A text has at most `MAX_HANDSHAKE_LENGTH` printable ASCII characters. It is sent as
          text/plain.
        - No request raises an exception.
        """
        ...
