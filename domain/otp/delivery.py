"""A delivery of a code, the deliveries to a phone, and what is reported of them."""

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.otp.permits import Permits
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow

_NAMED: Final = "named:"


@dataclass(frozen=True, slots=True)
class HashedClientIp:
    """Keyed hashes of a client IP and of its network. The IP cannot be read back from them.

    `ip` is the hash of the IPv4 address or of the IPv6 /64, `network` that of the IPv4 /24 or of
    the IPv6 /48, the largest IPv6 network that one customer usually gets (RFC 6177).
    """

    ip: str
    network: str
    is_ipv6: bool = False

    @property
    def is_named(self) -> bool:
        return self.ip.startswith(_NAMED)

    def named_by_token(self) -> "HashedClientIp":
        """Return the IP as one that a service token names: it never equals a client's."""
        return replace(self, ip=_NAMED + self.ip, network=_NAMED + self.network)


MAX_JOINED: Final = 3
"""Requests within the cooldown that get an id; the same number for recognized clients."""
ONE_DAY: Final = timedelta(days=1)
REJECTED_TTL: Final = timedelta(hours=1)
"""How long a delivery that every provider rejected counts."""
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
    """A message or call with the code of a challenge.

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


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries of a phone, in the order in which they were requested."""

    all: tuple[Delivery, ...] = ()

    @property
    def counted(self) -> tuple[Delivery, ...]:
        """The deliveries of all purposes that count in the limits of the phone."""
        return tuple([delivery for delivery in self.all if not delivery.is_reset])

    @property
    def expiry_times(self) -> list[datetime]:
        return [delivery.expires_at for delivery in self.all]

    def find(self, request_id: str) -> Delivery | None:
        return next((found for found in self.all if found.has_id(request_id)), None)

    def of_challenge(self, challenge_id: str) -> list[Delivery]:
        return [delivery for delivery in self.all if delivery.challenge_id == challenge_id]

    def last_provider(
        self, challenge_ids: Collection[str], channel: Channel, since: datetime | None
    ) -> str:
        """Return the provider that carried one of these codes last by a channel, empty if none."""
        carried = [
            delivery.provider
            for delivery in self.all
            if delivery.challenge_id in challenge_ids
            and delivery.channel is channel
            and (since is None or delivery.sent_at > since)
        ]
        return carried[-1] if carried else ""

    def set_delivery(self, changed: Delivery) -> "Deliveries":
        return self._change(changed.request_id, lambda _: changed)

    def fall_back(
        self, request_id: str, channel: Channel, provider: str, reason: str
    ) -> "Deliveries":
        """Let a code go by another channel from now on, where this provider is tried first."""

        def leave(delivery: Delivery) -> Delivery:
            fell_back = f"{delivery.channel}: {reason}"[:MAX_REJECTION_LENGTH]
            return replace(
                delivery,
                channel=channel,
                provider=provider,
                unknown_reason=None,
                fell_back=fell_back,
            )

        return self._change(request_id, leave)

    def keep_result(
        self, request_id: str, channel: Channel, provider: str, unknown_reason: str | None
    ) -> "Deliveries":
        """Return them after a provider took a delivery or, for an unknown reason, may have."""
        reason = None if unknown_reason is None else unknown_reason[:MAX_REJECTION_LENGTH]

        def keep(delivery: Delivery) -> Delivery:
            if delivery.channel is not channel:
                return delivery
            provided_by = provider or delivery.provider
            return replace(delivery, provider=provided_by, unknown_reason=reason)

        return self._change(request_id, keep)

    def reject(self, request_id: str, provider: str, reason: str) -> "Deliveries":
        return self._change(request_id, lambda delivery: delivery.reject(provider, reason))

    def reset(self) -> "Deliveries":
        return Deliveries(tuple([replace(each, is_reset=True) for each in self.all]))

    def settle(self, challenge_id: str) -> "Deliveries":
        """Return them without the permits of those that carried this code."""
        settled = [
            replace(each, permits=None) if each.challenge_id == challenge_id else each
            for each in self.all
        ]
        return Deliveries(tuple(settled))

    def prune(self, now: datetime) -> "Deliveries":
        latest = now + CLOCK_SKEW
        kept = [each for each in self.all if now < each.expires_at and each.sent_at <= latest]
        return Deliveries(tuple(kept))

    def _change(self, request_id: str, change: Callable[[Delivery], Delivery]) -> "Deliveries":
        changed = [change(each) if each.request_id == request_id else each for each in self.all]
        return Deliveries(tuple(changed))


def order_after(providers: Sequence[str], last: str) -> Sequence[str]:
    """Return the providers as they are tried: the one that had the code last comes last."""
    place = providers.index(last) + 1 if last in providers else 0
    return (*providers[place:], *providers[:place])


REPORT_TTL: Final = timedelta(days=1)


class ReportedStatus(StrEnum):
    """Where a message or call is. It only advances, and a final status stays."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self not in _ORDER

    @property
    def is_failure(self) -> bool:
        return self in (ReportedStatus.UNDELIVERED, ReportedStatus.FAILED)

    def follows(self, earlier: "ReportedStatus") -> bool:
        """Return whether a delivery with the earlier status may get this one."""
        if earlier.is_final:
            return False
        return self.is_final or _ORDER.index(self) > _ORDER.index(earlier)


_ORDER: Final = (ReportedStatus.QUEUED, ReportedStatus.SENT)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The status of one delivery. A delivery without a report is queued.

    Attributes:
        reason: What the provider's error code means in words, if that is known.
        left: The channel whose message failed, and whose code the next channel has: what is
            reported of that message changes nothing.
    """

    id: str
    status: ReportedStatus
    expires_at: datetime
    error_code: str | None = None
    reason: str = ""
    left: Channel | None = None

    def advance(
        self,
        status: ReportedStatus,
        channel: Channel,
        error_code: str | None = None,
        reason: str = "",
    ) -> "DeliveryReport":
        """Return the report with this status, or unchanged if the status does not follow.

        A failure without an error code gets that of a later report.
        """
        if channel is self.left:
            return self
        if self.status.is_failure and status.is_failure and not self.error_code and error_code:
            return replace(self, error_code=error_code, reason=reason)
        if not status.follows(self.status):
            return self
        return replace(self, status=status, error_code=error_code, reason=reason)

    def leave(self, channel: Channel) -> "DeliveryReport":
        return replace(self, left=channel)
