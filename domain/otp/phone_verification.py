"""The aggregate that decides everything about one phone: deliveries, attempts, trust, block.

It is a consistency boundary: a use case loads it, the entity returns its successor, and the
repository replaces it if it is unchanged (optimistic concurrency).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import TooManyOtpRequests, TooManyResets
from domain.identifier import require_identifier
from domain.otp.attempts import OtpAttempt
from domain.otp.challenge import Challenge, Purpose
from domain.otp.challenges import MessageChallenges
from domain.otp.client_ip import HashedClientIp
from domain.otp.deliveries import Deliveries, order_after
from domain.otp.delivery import (
    ATTEMPTS_AFTER_MAX_FAILURES,
    ATTEMPTS_PER_DELIVERY,
    ONE_DAY,
    Channel,
    Delivery,
    DeviceProof,
)
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy, Requester
from domain.otp.failures import Failures
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Recognition
from domain.otp.rejection import MAX_REJECTIONS, Rejection
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
class PhoneVerification:
    """What is known about a phone: it decides when a code is sent, and which one is correct.

    A phone that never requested a code has an empty one and gets the same responses.

    Attributes:
        failures: All of them.
        limit_resets: When operators reset its limits within a day.
        trusted_ips: Those of its owner.
        call_locale: That of the owner. It stays here, because the write that changes the owner
            ends it.
        rejections: The latest requests within a day that were rejected. They are for operators,
            decide nothing, and stay here like the locale.
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
    def gets_no_messages(self) -> bool:
        """Whether an operator keeps messages from it: it is blocked, and that of no account.

        An account that is blocked gets codes like any.
        """
        return self.blocked_at is not None and self.identity_id is None

    @property
    def expires_at(self) -> datetime | None:
        """When nothing of it counts anymore. None while it names an identity or is blocked."""
        if self.identity_id is not None or self.blocked_at is not None:
            return None
        times = self.challenges.expiry_times
        times += [time + ONE_DAY for time in self.deliveries.shared_attempts]
        if self.failures.expires_at:
            times.append(self.failures.expires_at)
        return max([*times, *self._expiry_times], default=_EXPIRED)

    @property
    def client_ips_expire_at(self) -> datetime | None:
        """When the first of client IPs, rejections and locale expires, if any.

        An IP of a login expires after 90 days, an IP of a delivery after one day, and an IP of an
        attempt with the code.
        """
        tried = [
            delivery.challenge_id for delivery in self.deliveries.all if delivery.has_unknown_ips
        ]
        times = self.challenges.keep(tried).expiry_times if tried else []
        return min([*times, *self._expiry_times], default=None)

    @property
    def _expiry_times(self) -> list[datetime]:
        """When each of those expires that may have client IPs, or is of a person."""
        times = [*self.deliveries.expiry_times]
        times += [reset_at + ONE_DAY for reset_at in self.limit_resets]
        times += [rejection.expires_at for rejection in self.rejections]
        times += [trusted.last_login_at + TRUSTED_IP_TTL for trusted in self.trusted_ips]
        return times + ([self.call_locale.expires_at] if self.call_locale else [])

    # Requests

    def recognize(self, request: OtpRequest | OtpAttempt) -> Recognition:
        """Return how a request is recognized. No request for a phone without an identity is."""
        if self.recognize_device(request.device) is not None:
            return Recognition.DEVICE
        trusted_until = self.trusted_until(request)
        if trusted_until is not None and request.now < trusted_until:
            return Recognition.TRUSTED_IP
        return Recognition.NONE

    def next_request_at(
        self, request: OtpRequest | OtpAttempt, policy: DeliveryPolicy, now: datetime
    ) -> datetime:
        return policy.earliest_request(self.prune(now)._requester(request), now)

    def refer_to_delivery(
        self, request: OtpRequest
    ) -> tuple["PhoneVerification", DeliveryDecision] | None:
        """Decide whether a request gets an earlier delivery; None if a code is delivered.

        - Within the cooldown nothing is sent. While a code for the same purpose and identity is
          valid, the request gets an id of its own for the latest delivery of this code, at most
          three for each delivery.

        Raises:
            TooManyOtpRequests: nothing changed; the error says when to try again.
        """
        pruned = self.prune(request.now)
        return pruned._refer(request, pruned._requester(request))

    def _refer(
        self, request: OtpRequest, requester: Requester
    ) -> tuple["PhoneVerification", DeliveryDecision] | None:
        policy = request.policy
        wait = policy.explain(requester, request.now)
        if wait.limitation is None:
            return None
        is_cooled_down = policy.is_cooled_down(requester, request.now)
        referred = None if is_cooled_down else self._latest_delivery(request, requester)
        if referred is None:
            retry_after = whole_seconds(request.now, wait.until)
            raise TooManyOtpRequests(retry_after, wait.limitation.name.lower())
        delivery, challenge = referred
        referring = replace(self, deliveries=self.deliveries.set_delivery(delivery))
        return referring, DeliveryDecision(
            delivery, challenge, request.new_request_id, wait.until, is_new=False
        )

    def request_delivery(self, request: OtpRequest) -> tuple["PhoneVerification", DeliveryDecision]:
        """Refer to an earlier delivery, or record a new one.

        - A resend carries the same code and does not extend its life. With less than a minute
          left a new challenge is made, and the old one stays valid to its end.
        - After a code that was not entered, the provider after the one that had it is first.

        Raises:
            TooManyOtpRequests: nothing changed; the error says when to try again.
        """
        pruned, policy = self.prune(request.now), request.policy
        requester = pruned._requester(request)
        if (referred := pruned._refer(request, requester)) is not None:
            return referred
        challenges = pruned.challenges
        resendable = [
            challenge
            for challenge in challenges.for_purpose(request.purpose, request.identity_id)
            if challenge.is_resendable(request.now, request.key_ids)
        ]
        challenge = resendable[-1] if resendable else request.new_challenge
        last_provider = pruned.last_provider(request.channel, request.purpose, request.identity_id)
        delivery = Delivery(
            request.new_request_id,
            challenge.id,
            request.client_ip,
            request.now,
            attempt_limit=pruned.attempts_of_next_delivery,
            device_id=requester.device_id,
            uses_own_quota=policy.uses_own_quota(requester, request.now),
            channel=request.channel,
            call_id=request.new_call_id,
            permits=request.permits,
            provider=next(iter(order_after(request.providers, last_provider)), ""),
        )
        successor = replace(
            pruned,
            challenges=(
                challenges if resendable else MessageChallenges((*challenges.all, challenge))
            ),
            deliveries=replace(pruned.deliveries, all=(*pruned.deliveries.all, delivery)),
        )
        decision = DeliveryDecision(
            delivery,
            challenge,
            request.new_request_id,
            policy.earliest_request(successor._requester(request), request.now),
            is_new=True,
            identity_id=self.identity_id,
            last_provider=last_provider,
        )
        return successor, decision

    def last_provider(self, channel: Channel, purpose: Purpose, identity_id: str | None) -> str:
        """Return the provider that last carried a code, if none was entered since; else empty."""
        of_purpose = self.challenges.for_purpose(purpose, identity_id)
        used_at = [challenge.used_at for challenge in of_purpose if challenge.used_at]
        ids = [challenge.id for challenge in of_purpose]
        return self.deliveries.last_provider(ids, channel, max(used_at, default=None))

    def reject_delivery(self, request_id: str, provider: str, reason: str) -> "PhoneVerification":
        """Return the state after every provider rejected this delivery (see `Delivery.reject`)."""
        deliveries = self.deliveries.reject(request_id, provider, reason)
        delivered = [delivery.challenge_id for delivery in deliveries.all]
        return replace(self, challenges=self.challenges.keep(delivered), deliveries=deliveries)

    @property
    def attempts_of_next_delivery(self) -> int:
        """How many attempts the next delivery brings."""
        is_maximum = self.failures.has_reached_maximum
        return ATTEMPTS_AFTER_MAX_FAILURES if is_maximum else ATTEMPTS_PER_DELIVERY

    @property
    def resets_left(self) -> int:
        """How often the limits can be reset today; of a pruned state."""
        return max(0, MAX_RESETS_A_DAY - len(self.limit_resets))

    def _latest_delivery(
        self, request: OtpRequest, requester: Requester
    ) -> tuple[Delivery, Challenge] | None:
        """Return the latest delivery of an active code with the new request id, and its challenge.

        None if there is no such delivery, or if too many requests refer to it.
        """
        active = {
            challenge.id: challenge
            for challenge in self.challenges.for_purpose(request.purpose, request.identity_id)
            if challenge.is_active(request.now)
        }
        for delivery in reversed(self.deliveries.all):
            if delivery.challenge_id in active:
                referred = delivery.add_later_request(
                    request.new_request_id, is_of_device=requester.device_id is not None
                )
                return (referred, active[delivery.challenge_id]) if referred else None
        return None

    def _requester(self, request: OtpRequest | OtpAttempt) -> Requester:
        logins = [trusted.last_login_at for trusted in self.trusted_ips_of_owner]
        return Requester(
            request.client_ip,
            self.deliveries.counted,
            trusted_until=self.trusted_until(request),
            device_id=self.recognize_device(request.device),
            last_login_at=max(logins, default=None),
        )

    # Attempts

    def find_challenge(self, challenge_id: str | None) -> Challenge | None:
        return next((found for found in self.challenges.all if found.id == challenge_id), None)

    def comparable_challenges(
        self,
        now: datetime,
        request_id: str | None = None,
        purpose: Purpose = Purpose.SIGN_IN,
        identity_id: str | None = None,
    ) -> tuple[Challenge, ...]:
        """Return the challenges whose codes an attempt is compared with, at most three.

        Of those for its purpose and identity, these are the active ones, and the one that was used
        with its request id, or else the one that was used last, for a minute.
        """
        of_purpose = self.challenges.for_purpose(purpose, identity_id)
        comparable = [challenge for challenge in of_purpose if challenge.is_active(now)]
        used = [
            challenge
            for challenge in of_purpose
            if challenge.used_at and now < challenge.retained_until
        ]

        def rank(challenge: Challenge) -> tuple[bool, datetime]:
            return challenge.was_used_with(request_id), challenge.used_at or now

        return (*comparable, *sorted(used, key=rank)[-1:])

    # Requests and attempts

    def recognize_device(self, device: DeviceProof | None) -> str | None:
        """Return the id of a device of this phone's identity, unless it failed too often."""
        if device is None or device.identity_id != self.identity_id:
            return None
        return device.device_id if self.failures.is_recognized(device.device_id) else None

    @property
    def trusted_ips_of_owner(self) -> tuple[TrustedIp, ...]:
        """The IPs of logins of the owner; none without one."""
        return () if self.identity_id is None else self.trusted_ips

    def trusted_until(self, request: OtpRequest | OtpAttempt) -> datetime | None:
        """Return when the last login from this IP no longer counts, None without one."""
        for trusted in self.trusted_ips_of_owner:
            if trusted.client_ip_hash == request.client_ip.ip:
                return trusted.last_login_at + TRUSTED_IP_TTL
        return None

    def count_failure(
        self, device_id: str | None, now: datetime, *, is_shared: bool = False
    ) -> "PhoneVerification":
        """Return the state after a failed attempt. A shared one counts for all unknown IPs."""
        deliveries, failures = self.deliveries, self.failures.count(device_id, now)
        if is_shared:
            deliveries = replace(deliveries, shared_attempts=(*deliveries.shared_attempts, now))
        return replace(self, deliveries=deliveries, failures=failures)

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

        The IPs of the former owner are not trusted anymore, and the locale that the former owner
        chose is not kept, nor are the rejections and the claims of a login. Deliveries, failures
        and a block stay.
        If a login changes the owner, the latest IP is that of the new one.
        """
        trusted_ips = self.trusted_ips[-1:] if by_login else ()
        # Without an owner, locale and rejections are those of somebody who may join now.
        is_unowned = self.identity_id is None
        kept = self if by_login else self.map_challenges(Challenge.forget_claims)
        return replace(
            kept,
            identity_id=identity_id,
            trusted_ips=trusted_ips,
            call_locale=self.call_locale if is_unowned else None,
            rejections=self.rejections if is_unowned else (),
        )

    def release(self, now: datetime) -> "PhoneVerification":
        """Return the state of a phone whose identity has another phone now.

        It has no codes, trusted IPs and locale of its former owner. Deliveries, attempts, failures
        and a block stay.
        """
        without_codes = self.map_challenges(
            lambda challenge: challenge if challenge.used_at else challenge.mark_used(now)
        )
        return replace(without_codes.change_owner(None), challenges=MessageChallenges())

    def move_login(self, challenge_id: str, identity_id: str) -> "PhoneVerification":
        return self.map_challenges(
            lambda challenge: (
                challenge.move_login(identity_id) if challenge.id == challenge_id else challenge
            )
        )

    def block(self, now: datetime) -> "PhoneVerification":
        """Return the state of a phone that is blocked. An earlier block keeps its time."""
        return self if self.blocked_at else replace(self, blocked_at=now)

    def unblock(self) -> "PhoneVerification":
        """Return the state of a phone that is not blocked. Everything counted stays counted."""
        return replace(self, blocked_at=None) if self.blocked_at else self

    def reset_limits(self, now: datetime) -> "PhoneVerification":
        """Return the state of a phone whose cooldown and deliveries no longer count.

        - Devices that failed too often are recognized again.
        - Of failures in a row at most 50 stay: only the owner's success ends all. From then on each
          delivery brings one attempt.
        - Deliveries with their attempts stay too, so nobody gets more attempts at a code.

        Raises:
            TooManyResets: twice within a day; the error says when to try again.
        """
        pruned = self.prune(now)
        if not pruned.resets_left:
            next_reset_at = pruned.limit_resets[-MAX_RESETS_A_DAY] + ONE_DAY
            raise TooManyResets(whole_seconds(now, next_reset_at))
        return replace(
            pruned,
            deliveries=pruned.deliveries.reset(),
            failures=pruned.failures.reset_limits(),
            limit_resets=(*pruned.limit_resets, now),
        )

    def keep_rejections(
        self, rejections: Collection[Rejection], now: datetime
    ) -> "PhoneVerification":
        """Return the state with these rejections, of which the latest ten are kept for a day.

        - One that is kept already is not kept twice.
        - A phone of which nothing is known keeps none: requests that are rejected make no record.
        """
        if not rejections:
            return self
        pruned = self.prune(now)
        if pruned == PhoneVerification():
            return self
        each_once = sorted({*pruned.rejections, *rejections}, key=lambda rejection: rejection.at)
        return replace(pruned, rejections=tuple(each_once[-MAX_REJECTIONS:]))

    def prune(self, now: datetime) -> "PhoneVerification":
        """Return the state without what expired and what lies in the future of any clock."""
        latest, locale = now + CLOCK_SKEW, self.call_locale
        challenges = self.challenges.prune(now)
        trusted_ips = [
            trusted
            for trusted in self.trusted_ips
            if self.identity_id is not None
            and now - TRUSTED_IP_TTL < trusted.last_login_at <= latest
        ]
        rejections = [
            each for each in self.rejections if now < each.expires_at and each.at <= latest
        ]
        return PhoneVerification(
            challenges=challenges,
            deliveries=self.deliveries.prune(now, [each.id for each in challenges.all]),
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
        """Return the state without client IPs, and without the codes that were sent to them."""
        return replace(
            self,
            challenges=MessageChallenges(),
            deliveries=replace(self.deliveries, all=()),
            trusted_ips=(),
        )
