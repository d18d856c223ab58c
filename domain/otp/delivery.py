"""A delivery: one message or call with a code."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.otp.client_ip import HashedClientIp
from domain.otp.permits import Permits
from domain.otp.sliding_window import SlidingWindow

MAX_JOINED: Final = 3
"""Requests within the cooldown that get an id; as many again for recognized clients."""
ONE_DAY: Final = timedelta(days=1)
REJECTED_TTL: Final = timedelta(hours=1)
"""How long a delivery counts that every provider rejected."""
MAX_CODE_CALL: Final = timedelta(minutes=3)
"""The longest call with a code. Our adapter of Twilio tells the provider to end it then."""
MAX_REJECTION_LENGTH: Final = 200
_PUBLIC_ID: Final = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})\Z")


class Channel(StrEnum):
    """How a code is delivered: in a text message, read out in a call, or in WhatsApp."""

    SMS = "sms"
    VOICE = "voice"
    WHATSAPP = "whatsapp"


@dataclass(frozen=True, slots=True)
class ValidDeviceToken:
    """What a valid device token says: the device, and the identity that it belongs to."""

    device_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class JoinedRequest:
    """A request within the cooldown: it got an id for the code that was sent before."""

    id: str
    network: str
    is_recognized: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message or call with the code of a challenge.

    It is recorded before the message is sent, so it was accepted, or its result is unknown, or
    every provider rejected it. A rejected one has no id and no challenge. It starts the plain
    cooldown, and counts for an hour in windows shorter than a day.

    Attributes:
        provider: who took it, or may have taken it, or rejected it last.
        uses_own_quota: it counts against the quota of the device or of the known IP.
        permits: what it holds until a login or a rejection.
        rejection: why every provider rejected it, without a phone number; empty otherwise.
        unknown_reason: why nobody knows whether a provider took it, without a phone number. It
            counts as sent then. None if the result is known.
        is_reset: it counts in no limit of the phone: an operator reset them since, or an
            administrator, who requested it, signed in to the web console with its code.
        fell_back: the channel that was tried before this one, and why it did not deliver; empty if
            there was none.
    """

    request_id: str
    challenge_id: str
    client_ip: HashedClientIp
    sent_at: datetime
    channel: Channel
    provider: str
    joined: tuple[JoinedRequest, ...] = ()
    device_id: str | None = None
    uses_own_quota: bool = False
    call_id: str | None = None
    permits: Permits | None = None
    rejection: str = ""
    unknown_reason: str | None = None
    is_reset: bool = False
    fell_back: str = ""

    @property
    def is_rejected(self) -> bool:
        return not self.request_id

    @property
    def expires_at(self) -> datetime:
        return self.sent_at + (REJECTED_TTL if self.is_rejected else ONE_DAY)

    def counts_in(self, window: SlidingWindow, time: datetime) -> bool:
        """Return whether it counts in a window of its phone, network or own quota at this time."""
        if not self.is_rejected:
            return True
        return window.period < ONE_DAY and time < self.expires_at

    def reject(self, provider: str, reason: str) -> "Delivery":
        """Return the delivery after every provider rejected it, without its permits."""
        return replace(
            self,
            request_id="",
            challenge_id="",
            joined=(),
            call_id=None,
            permits=None,
            provider=provider,
            rejection=reason[:MAX_REJECTION_LENGTH],
            unknown_reason=None,
        )

    def has_id(self, request_id: str) -> bool:
        return request_id == self.request_id or self.find_joined(request_id) is not None

    def find_joined(self, request_id: str) -> JoinedRequest | None:
        return next((each for each in self.joined if each.id == request_id), None)

    def is_of_network(self, network: str) -> bool:
        joined = (each.network for each in self.joined)
        return network == self.client_ip.network or network in joined

    def join(self, request: JoinedRequest) -> "Delivery | None":
        """Return the delivery with another request; None at the maximum of such requests."""
        of_kind = [each for each in self.joined if each.is_recognized is request.is_recognized]
        if len(of_kind) >= MAX_JOINED:
            return None
        return replace(self, joined=(*self.joined, request))

    @property
    def report_id(self) -> str:
        """The id of its report, for logs of the provider: it reveals no request id."""
        return hashlib.sha256(self.request_id.encode()).hexdigest()[:32]

    @property
    def public_id(self) -> str:
        """The id for its client. It also names the report, so no index of ids is needed."""
        return self.request_id + self.report_id


def parse_request_id(public_id: str) -> str:
    """Return the id of the request that a client's id names. Any other text is unchanged."""
    match = _PUBLIC_ID.match(public_id)
    return match[1] if match else public_id


def parse_report_id(public_id: str) -> str | None:
    """Return the id of the report that a client's id names, or None without one."""
    match = _PUBLIC_ID.match(public_id)
    return match[2] if match else None
