"""A delivery: one message with a code, and the attempts that it brings."""

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.otp.client_ip import HashedClientIp
from domain.otp.permits import Permits
from domain.otp.sliding_window import SlidingWindow

MAX_LATER_REQUESTS: Final = 3
"""Requests within the cooldown that get an id; as many again for recognized devices."""
ONE_DAY: Final = timedelta(days=1)
REJECTED_TTL: Final = timedelta(hours=1)
"""How long a delivery counts that every provider rejected."""
MAX_CODE_CALL: Final = timedelta(minutes=3)
"""The longest call with a code. Our adapter of Twilio tells the provider to end it then."""
MAX_REJECTION_LENGTH: Final = 200
ATTEMPTS_PER_DELIVERY: Final = 5
ATTEMPTS_AFTER_MAX_FAILURES: Final = 1
REPEAT_PERIOD: Final = timedelta(seconds=10)
"""An app submits a code when it is typed, and again on "done"."""
_PUBLIC_ID: Final = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})\Z")


class CounterKind(StrEnum):
    """Whom a counter belongs to.

    - `FIRST_REQUEST`: the id in the response to the request that caused the delivery.
    - `LATER_REQUEST`: an id that a request within the cooldown got.
    - `DEVICE_REQUEST`: the same, where the request came from a recognized device.
    - `IP`: the IP that requested the delivery, for attempts without an id.
    - `UNKNOWN_IP`: any other IP, for attempts without an id.
    - `DEVICE`: a recognized device.
    """

    FIRST_REQUEST = "first_request"
    LATER_REQUEST = "later_request"
    DEVICE_REQUEST = "device_request"
    IP = "ip"
    UNKNOWN_IP = "unknown_ip"
    DEVICE = "device"


REQUEST_KINDS: Final = frozenset(
    {CounterKind.FIRST_REQUEST, CounterKind.LATER_REQUEST, CounterKind.DEVICE_REQUEST}
)
"""The counters whose id is a request id."""


@dataclass(frozen=True, slots=True)
class AttemptCounter:
    """The attempts of one request id, IP or device at one delivery.

    `last_digest` identifies the code that it counted last. `id` is a request id, the hash of an
    IP, or the id of a device.
    """

    kind: CounterKind
    id: str
    limit: int
    used: int = 0
    last_digest: str | None = None
    last_counted_at: datetime | None = None

    @property
    def left(self) -> int:
        return self.limit - self.used

    def is_repeat(self, digest: str, now: datetime) -> bool:
        """Return whether it counted the same code less than ten seconds ago, and none since."""
        if self.last_digest is None or self.last_counted_at is None:
            return False
        is_same = hmac.compare_digest(self.last_digest, digest)
        return is_same and now - self.last_counted_at < REPEAT_PERIOD

    def count(self, digest: str, now: datetime) -> "AttemptCounter":
        return AttemptCounter(self.kind, self.id, self.limit, self.used + 1, digest, now)

    def reset(self) -> "AttemptCounter":
        """Return the counter after a correct code: no attempt counts."""
        return AttemptCounter(self.kind, self.id, self.limit)


class Channel(StrEnum):
    """How a code is delivered: in a text message, read out in a call, or in WhatsApp."""

    SMS = "sms"
    VOICE = "voice"
    WHATSAPP = "whatsapp"


@dataclass(frozen=True, slots=True)
class DeviceProof:
    """A valid device token: the id of the device, and the identity that it belongs to."""

    device_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message or call with the code of a challenge, and the attempts that it brings.

    It is recorded before the message is sent, so it was accepted, or its result is unknown, or
    every provider rejected it. A rejected one has no id, attempts or challenge. It starts the
    plain cooldown, and counts for an hour in windows shorter than a day.

    Attributes:
        request_id: the id of the request that caused it.
        sent_at: when the request arrived.
        provider: the name of the provider that took it, or may have taken it, or rejected it last.
        attempt_limit: the attempts of the request that caused it. They are fixed here, so that
            nobody can reduce them later.
        device_id: the recognized device that requested it, if any.
        uses_own_quota: it counts against the quota of the device or of the trusted IP.
        counters: the attempts, until the code expires.
        permits: what it holds of the limits that many phones share, until a login or a rejection.
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
    attempt_limit: int = ATTEMPTS_PER_DELIVERY
    device_id: str | None = None
    uses_own_quota: bool = False
    counters: tuple[AttemptCounter, ...] = ()
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
        """When it no longer counts anywhere."""
        return self.sent_at + (REJECTED_TTL if self.is_rejected else ONE_DAY)

    def counts_in(self, window: SlidingWindow, time: datetime) -> bool:
        """Return whether it counts in a window of its phone, network or own quota at this time."""
        if not self.is_rejected:
            return True
        return window.period < ONE_DAY and time < self.expires_at

    def reject(self, provider: str, reason: str) -> "Delivery":
        """Return the delivery after every provider rejected it, without its permits.

        A delivery whose code was tried stays: otherwise these attempts would not count.
        """
        if any(counter.used for counter in self.counters):
            return replace(self, permits=None)
        return Delivery(
            request_id="",
            challenge_id="",
            client_ip=self.client_ip,
            sent_at=self.sent_at,
            attempt_limit=0,
            device_id=self.device_id,
            uses_own_quota=self.uses_own_quota,
            channel=self.channel,
            provider=provider,
            rejection=reason[:MAX_REJECTION_LENGTH],
            fell_back=self.fell_back,
        )

    @property
    def report_id(self) -> str:
        """The id of its report: 32 hex digits that reveal no request id.

        The provider gets it and keeps it in its logs. With a request id an attempt can be made.
        """
        return hashlib.sha256(self.request_id.encode()).hexdigest()[:32]

    @property
    def public_id(self) -> str:
        """The id that the client gets whose request caused it: it also names the report.

        So a report is found without an index of ids, and a request for a code writes nothing for
        it.
        """
        return self.request_id + self.report_id

    def counter_of_request(self, request_id: str | None) -> AttemptCounter | None:
        """Return the counter of a request id: of this delivery's, or of a later request's."""
        if request_id is None:
            return None
        if request_id == self.request_id:
            kind = CounterKind.FIRST_REQUEST
            return self.counter_of(kind, self.request_id, self.attempt_limit)
        for counter in self.counters:
            if counter.kind in REQUEST_KINDS and counter.id == request_id:
                return counter
        return None

    def counter_of(self, kind: CounterKind, counter_id: str, limit: int) -> AttemptCounter:
        """Return the counter of a client, a new one before its first attempt."""
        for counter in self.counters:
            if counter.kind is kind and counter.id == counter_id:
                return counter
        return AttemptCounter(kind, counter_id, limit)

    def counter_of_ip(self, client_ip: HashedClientIp) -> AttemptCounter:
        """Return the counter of attempts without a request id from this IP."""
        if self.client_ip.ip == client_ip.ip:
            return self.counter_of(CounterKind.IP, client_ip.ip, self.attempt_limit)
        return self.counter_of(CounterKind.UNKNOWN_IP, client_ip.ip, ATTEMPTS_PER_DELIVERY)

    def counter_of_device(self, device_id: str) -> AttemptCounter:
        """Return the counter of a recognized device. Nobody else's failures reduce its limit."""
        return self.counter_of(CounterKind.DEVICE, device_id, ATTEMPTS_PER_DELIVERY)

    def set_counter(self, changed: AttemptCounter) -> "Delivery":
        key = (changed.kind, changed.id)
        others = [counter for counter in self.counters if (counter.kind, counter.id) != key]
        return replace(self, counters=(*others, changed))

    def drop_counters(self) -> "Delivery":
        """Return the delivery after its code expired."""
        return replace(self, counters=()) if self.counters else self

    def add_later_request(self, request_id: str, *, is_of_device: bool) -> "Delivery | None":
        """Return the delivery with the id of a request within the cooldown.

        Such an id has two attempts, or one where the delivery itself brings less than five. At
        the maximum of such ids the result is None.
        """
        kind = CounterKind.DEVICE_REQUEST if is_of_device else CounterKind.LATER_REQUEST
        if sum(counter.kind is kind for counter in self.counters) >= MAX_LATER_REQUESTS:
            return None
        return self.set_counter(AttemptCounter(kind, request_id, max(1, self.attempt_limit // 2)))

    @property
    def has_unknown_ips(self) -> bool:
        """Whether attempts without an id came from IPs that did not request it."""
        return any(counter.kind is CounterKind.UNKNOWN_IP for counter in self.counters)

    def reset_attempts(
        self, client_ip: HashedClientIp, device_id: str | None, *, is_verified: bool
    ) -> "Delivery":
        """Return the delivery after a correct code of this client, for this delivery or not."""
        if not self.counters:
            return self
        return replace(
            self,
            counters=tuple(
                counter.reset()
                if counter.id in (client_ip.ip, device_id)
                or (is_verified and counter.kind in REQUEST_KINDS)
                else counter
                for counter in self.counters
            ),
        )


def parse_request_id(public_id: str) -> str:
    """Return the id of the request that a client's id names. Any other text is unchanged.

    It is then an unknown id, and no code is correct with it.
    """
    match = _PUBLIC_ID.match(public_id)
    return match[1] if match else public_id


def parse_report_id(public_id: str) -> str | None:
    """Return the id of the report that a client's id names, or None without one."""
    match = _PUBLIC_ID.match(public_id)
    return match[2] if match else None
