"""The aggregate that decides everything about one phone: deliveries, attempts, trust, block."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import TooManyResets
from domain.identifier import require_identifier
from domain.otp.attempts import ATTEMPTS, JOINED_ATTEMPTS, Failures, OtpAttempt
from domain.otp.challenge import Challenge, Client, ClientKind, MessageChallenges, Purpose
from domain.otp.delivery import ONE_DAY, Channel, Deliveries, Delivery, HashedClientIp
from domain.otp.delivery_policy import (
    MAX_REJECTIONS,
    DeliveryPolicy,
    Limitation,
    Rejection,
    Requester,
    Wait,
)
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Recognition
from domain.otp.sliding_window import CLOCK_SKEW, keep_recent, whole_seconds

TRUSTED_IP_TTL: Final = timedelta(days=90)
CALL_LOCALE_TTL: Final = timedelta(days=365)
MAX_TRUSTED_IPS: Final = 20
MAX_RESETS_A_DAY: Final = 2
"""How often operators can reset the limits of one phone."""
_EXPIRED: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrustedIp:
    """An IP from which this phone logged in, and when it did last."""

    client_ip_hash: str
    last_login_at: datetime


@dataclass(frozen=True, slots=True)
class CallLocale:
    """The locale that was chosen in a call of this phone. It is kept for a year."""

    tag: str
    chosen_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.chosen_at + CALL_LOCALE_TTL


@dataclass(frozen=True, slots=True)
class RecognizedClient:
    """How a client is recognized, and the id of the device or the hash of the IP by which."""

    recognition: Recognition
    id: str = ""

    @property
    def is_stranger(self) -> bool:
        return self.recognition in (Recognition.NONE, Recognition.VERIFICATION)

    @property
    def device_id(self) -> str | None:
        return self.id if self.recognition is Recognition.DEVICE else None


STRANGER: Final = RecognizedClient(Recognition.NONE)
SERVICE_TOKEN: Final = RecognizedClient(Recognition.VERIFICATION)


@dataclass(frozen=True, slots=True)
class PhoneVerification:
    """What is known about a phone: it decides when a code is sent, and which one is correct.

    A phone that never requested a code has an empty one and gets the same responses. A blocked
    phone gets codes like any, but none signs anybody in, and no client is recognized.

    Attributes:
        limit_resets: When operators reset its limits within a day.
        call_locale: The owner's locale. The write that changes the owner ends it.
        rejections: From the last day. They are for operators, and decide nothing.
        imported_id: The id that an import gave the phone, before the identity exists: an identity
            under it belongs to that import, also if a login makes it first. It stays here, because
            the write that gives the phone to the identity sets it.
    """

    challenges: MessageChallenges = MessageChallenges()
    deliveries: Deliveries = Deliveries()
    failures: Failures = Failures()
    limit_resets: tuple[datetime, ...] = ()
    trusted_ips: tuple[TrustedIp, ...] = ()
    identity_id: str | None = None
    blocked_at: datetime | None = None
    call_locale: CallLocale | None = None
    rejections: tuple[Rejection, ...] = ()
    imported_id: str | None = None

    def __post_init__(self) -> None:
        if self.identity_id is not None:
            require_identifier(self.identity_id)

    @property
    def is_blocked(self) -> bool:
        return self.blocked_at is not None

    @property
    def gets_no_messages(self) -> bool:
        """Whether an operator keeps messages from it: it is blocked, and has no account.

        An account that is blocked gets codes like any.
        """
        return self.is_blocked and self.identity_id is None

    @property
    def expires_at(self) -> datetime | None:
        """When nothing of it counts anymore. None while it names an identity or is blocked."""
        if self.identity_id is not None or self.is_blocked:
            return None
        times = [*self.challenges.expiry_times, *self.failures.expiry_times]
        return max([*times, *self._expiry_times], default=_EXPIRED)

    @property
    def client_ips_expire_at(self) -> datetime | None:
        """When the first of client IPs, failures, rejections and locale expires, if any."""
        tried = [
            challenge.retained_until for challenge in self.challenges.all if challenge.counters
        ]
        times = [*tried, *self.failures.expiry_times, *self._expiry_times]
        return min(times, default=None)

    @property
    def _expiry_times(self) -> list[datetime]:
        """When each part with client IPs or data of a person expires."""
        times = [*self.deliveries.expiry_times]
        times += [reset_at + ONE_DAY for reset_at in self.limit_resets]
        times += [rejection.expires_at for rejection in self.rejections]
        times += [trusted.last_login_at + TRUSTED_IP_TTL for trusted in self.trusted_ips]
        return times + ([self.call_locale.expires_at] if self.call_locale else [])

    def recognize(self, request: OtpRequest | OtpAttempt) -> RecognizedClient:
        """Return how a client is recognized: by its device, or else by the IP of a login.

        It is a stranger without an identity, at a blocked phone, and after twenty failures in a row
        of this device or IP. A service token always is: it never learns what is known of a phone.
        """
        if request.purpose is Purpose.VERIFICATION:
            return SERVICE_TOKEN
        if self.identity_id is None or self.is_blocked:
            return STRANGER
        device, now = request.device, request.now
        if (
            device is not None
            and device.identity_id == self.identity_id
            and self.failures.is_recognized(device.device_id, now)
        ):
            return RecognizedClient(Recognition.DEVICE, device.device_id)
        client_ip = request.client_ip.ip
        is_known = any(
            each.client_ip_hash == client_ip and now < each.last_login_at + TRUSTED_IP_TTL
            for each in self.trusted_ips
        )
        if is_known and self.failures.is_recognized(client_ip, now):
            return RecognizedClient(Recognition.TRUSTED_IP, client_ip)
        return STRANGER

    # Requests

    def find_wait(
        self,
        client_ip: HashedClientIp,
        client: RecognizedClient,
        policy: DeliveryPolicy,
        now: datetime,
    ) -> Wait:
        """Return when a client can cause the next message, and what it waits for; if pruned."""
        wait_ends_at = self.failures.wait_ends_at
        if client.is_stranger and wait_ends_at is not None:
            return Wait(wait_ends_at, Limitation.FAILED_ATTEMPTS)
        return policy.explain(self.requester(client_ip, client), now)

    def requester(self, client_ip: HashedClientIp, client: RecognizedClient) -> Requester:
        return Requester(
            client_ip,
            self.deliveries.counted,
            is_recognized=not client.is_stranger,
            device_id=client.device_id,
            last_login_at=None if client == SERVICE_TOKEN else self.last_login_at,
        )

    def last_provider(self, channel: Channel, purpose: Purpose, bound_to: str | None) -> str:
        """Return the provider that last carried a code, if none was entered since; else empty."""
        of_purpose = self.challenges.for_purpose(purpose, bound_to)
        used_at = [challenge.used_at for challenge in of_purpose if challenge.used_at]
        ids = [challenge.id for challenge in of_purpose]
        return self.deliveries.last_provider(ids, channel, max(used_at, default=None))

    def reject_delivery(self, request_id: str, provider: str, reason: str) -> "PhoneVerification":
        deliveries = self.deliveries.reject(request_id, provider, reason)
        delivered = [delivery.challenge_id for delivery in deliveries.all]
        return replace(self, challenges=self.challenges.keep(delivered), deliveries=deliveries)

    @property
    def attempts_of_next_delivery(self) -> int:
        """How many attempts the next message brings the stranger who causes it."""
        return self.failures.limit_attempts(ATTEMPTS, messages=1)

    @property
    def resets_left(self) -> int:
        return max(0, MAX_RESETS_A_DAY - len(self.limit_resets))

    @property
    def last_login_at(self) -> datetime | None:
        return max([each.last_login_at for each in self.trusted_ips], default=None)

    # Attempts

    def find_candidates(self, attempt: OtpAttempt) -> list[Challenge]:
        """Return the challenges whose codes an attempt is compared with: at most three.

        With an id that is the one of its request. Without, these are the active ones, the latest
        first, and then the one that was used last, while its login can be repeated.
        """
        now = attempt.now
        found = self.challenges.for_purpose(attempt.purpose, attempt.bound_to)[::-1]
        active = [challenge for challenge in found if challenge.is_active(now)]
        used = [each for each in found if each.used_at and now < each.retained_until]
        if attempt.request_id is None:
            return active + sorted(used, key=lambda each: each.used_at or now)[-1:]
        delivery = self.deliveries.find(attempt.request_id)
        return [each for each in active + used if delivery and each.id == delivery.challenge_id]

    def attempts_left(
        self, client: Client, challenge: Challenge, recognized: RecognizedClient
    ) -> int:
        """Return how many attempts a client has left at a code.

        It has five, and five more for each further message with the code that it caused; one that
        requested the code, and caused no message, has two. Failures in a row limit strangers.
        """
        deliveries = self.deliveries.of_challenge(challenge.id)
        is_caused = [_is_caused_by(client, delivery) for delivery in deliveries]
        messages = sum(is_caused)
        if client.kind in (ClientKind.DEVICE, ClientKind.KNOWN_IP):
            # It has five also at a code that somebody else requested first.
            allowed = ATTEMPTS * (1 + sum(is_caused[1:]))
        elif not messages and client.kind is not ClientKind.OTHERS:
            allowed = JOINED_ATTEMPTS
        else:
            allowed = ATTEMPTS * max(1, messages)
        if recognized.is_stranger:
            allowed = self.failures.limit_attempts(allowed, messages)
        return max(0, allowed - challenge.attempts_used(client))

    def trust_ip(self, client_ip: HashedClientIp, now: datetime) -> "PhoneVerification":
        others = [trusted for trusted in self.trusted_ips if trusted.client_ip_hash != client_ip.ip]
        trusted_ips = (*others, TrustedIp(client_ip.ip, now))[-MAX_TRUSTED_IPS:]
        return replace(self, trusted_ips=trusted_ips)

    def map_challenges(self, change: Callable[[Challenge], Challenge]) -> "PhoneVerification":
        """Change each challenge; return the same object if none is."""
        challenges = self.challenges.map(change)
        return self if challenges == self.challenges else replace(self, challenges=challenges)

    # Operators and cleanup

    def change_owner(
        self, identity_id: str | None, *, by_login: bool = False
    ) -> "PhoneVerification":
        """Return the state of a phone that belongs to another identity from now on, or to none.

        Deliveries, failures in a row and a block stay.
        """
        trusted_ips = self.trusted_ips[-1:] if by_login else ()
        # Without an owner, locale and rejections are those of somebody who may join now.
        is_unowned = self.identity_id is None
        kept = self if by_login else self.map_challenges(Challenge.forget_claims)
        return replace(
            kept,
            identity_id=identity_id,
            trusted_ips=trusted_ips,
            failures=replace(self.failures, by_client=()),
            call_locale=self.call_locale if is_unowned else None,
            rejections=self.rejections if is_unowned else (),
        )

    def release(self) -> "PhoneVerification":
        """Return the state of a phone whose identity has another phone now, or none.

        Codes of verifications stay: they say nothing of an identity.
        """
        kept = [each for each in self.challenges.all if each.purpose is Purpose.VERIFICATION]
        return replace(self.change_owner(None), challenges=MessageChallenges(tuple(kept)))

    def move_login(self, challenge_id: str, identity_id: str) -> "PhoneVerification":
        return self.map_challenges(
            lambda challenge: (
                challenge.move_login(identity_id) if challenge.id == challenge_id else challenge
            )
        )

    def block(self, now: datetime) -> "PhoneVerification":
        return self if self.is_blocked else replace(self, blocked_at=now)

    def unblock(self) -> "PhoneVerification":
        return replace(self, blocked_at=None) if self.is_blocked else self

    def reset_limits(self, now: datetime) -> "PhoneVerification":
        """Return the pruned state of a phone whose cooldown and deliveries no longer count.

        - Devices and IPs that failed too often are recognized again.
        - Of failures in a row at most 50 stay: only a success ends all. The wait ends, and from
          then on a message brings one attempt.
        - Codes, ids and counted attempts stay, so no client gets more attempts at a code.

        Raises:
            TooManyResets: twice within a day; the error says when to try again.
        """
        if not self.resets_left:
            next_reset_at = self.limit_resets[-MAX_RESETS_A_DAY] + ONE_DAY
            raise TooManyResets(whole_seconds(now, next_reset_at))
        return replace(
            self,
            deliveries=self.deliveries.reset(),
            failures=self.failures.reset_limits(),
            limit_resets=(*self.limit_resets, now),
        )

    def keep_rejections(self, rejections: Collection[Rejection]) -> "PhoneVerification":
        """Return the pruned state with these rejections: the latest ten are kept for a day.

        An unknown phone keeps none: rejected requests make no record.
        """
        if not rejections or self == PhoneVerification():
            return self
        each_once = sorted({*self.rejections, *rejections}, key=lambda rejection: rejection.at)
        return replace(self, rejections=tuple(each_once[-MAX_REJECTIONS:]))

    def prune(self, now: datetime) -> "PhoneVerification":
        """Return the state without what expired and what lies in the future of any clock."""
        latest, locale = now + CLOCK_SKEW, self.call_locale
        trusted_ips = [
            trusted
            for trusted in self.trusted_ips
            if now - TRUSTED_IP_TTL < trusted.last_login_at <= latest
        ]
        rejections = [
            rejection
            for rejection in self.rejections
            if now < rejection.expires_at and rejection.at <= latest
        ]
        return PhoneVerification(
            challenges=self.challenges.prune(now),
            deliveries=self.deliveries.prune(now),
            failures=self.failures.prune(now),
            limit_resets=keep_recent(self.limit_resets, ONE_DAY, now),
            trusted_ips=tuple(trusted_ips),
            identity_id=self.identity_id,
            blocked_at=self.blocked_at,
            call_locale=locale if locale and now < locale.expires_at else None,
            rejections=tuple(rejections),
            imported_id=self.imported_id,
        )

    def drop_client_ips(self) -> "PhoneVerification":
        """Return the state without client IPs, and without the codes that were sent to them.

        What recognized clients failed goes as well: it may name an IP.
        """
        return replace(
            self,
            challenges=MessageChallenges(),
            deliveries=Deliveries(),
            failures=replace(self.failures, by_client=()),
            trusted_ips=(),
        )


def _is_caused_by(client: Client, delivery: Delivery) -> bool:
    match client.kind:
        case ClientKind.DEVICE:
            return delivery.device_id == client.id
        case ClientKind.REQUEST:
            return delivery.request_id == client.id
        case ClientKind.KNOWN_IP:
            return delivery.client_ip.ip == client.id
        case ClientKind.NETWORK:
            return delivery.client_ip.network == client.id
        case ClientKind.OTHERS:
            return False
