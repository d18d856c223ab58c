"""The aggregate that decides everything about one phone: deliveries, attempts, trust, block.

It is a consistency boundary: a use case loads it, the entity returns its successor, and the
repository replaces it if it is unchanged (optimistic concurrency).
"""

import hmac
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempt_counters import ATTEMPTS_PER_DELIVERY, AttemptCounter, CounterKind
from domain.otp.attempts import (
    SHARED_ATTEMPTS,
    OtpAttempt,
    VerificationResult,
    shared_attempts_left,
)
from domain.otp.challenge import Challenge, Login
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import ONE_DAY, Delivery, DeviceProof, OtpRequest
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy, Requester
from domain.otp.failures import Failures
from domain.otp.rate_limits import Recognition
from domain.otp.sliding_window import CLOCK_SKEW

ATTEMPTS_OF_LIMITED_DELIVERY: Final = 2
"""Of a delivery that is requested while a shared limit of failed attempts is used up."""
ATTEMPTS_AFTER_MAX_FAILURES: Final = 1
TRUSTED_IP_TTL: Final = timedelta(days=90)
MAX_TRUSTED_IPS: Final = 20
_EXPIRED: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrustedIp:
    """An IP from which this phone logged in, and when it did last."""

    client_ip_hash: str
    last_login_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneVerification:
    """Challenges, deliveries, attempts and trusted IPs of a phone, and the id of its identity.

    A phone that never requested a code has an empty one and gets the same responses. So does a
    blocked phone, except that nothing is delivered to it and no code is correct.

    `shared_attempts` are the times of the attempts that all unknown IPs made together.
    """

    challenges: tuple[Challenge, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    shared_attempts: tuple[datetime, ...] = ()
    failures: Failures = Failures()
    trusted_ips: tuple[TrustedIp, ...] = ()
    identity_id: str | None = None
    blocked_at: datetime | None = None

    @property
    def expires_at(self) -> datetime | None:
        """When nothing of it counts anymore. None while it names an identity or is blocked."""
        if self.identity_id is not None or self.blocked_at is not None:
            return None
        times = [challenge.expires_at for challenge in self.challenges]
        times += [delivery.sent_at + ONE_DAY for delivery in self.deliveries]
        times += [trusted.last_login_at + TRUSTED_IP_TTL for trusted in self.trusted_ips]
        times += [time + ONE_DAY for time in self.shared_attempts]
        times += [time for time in [self.failures.expires_at] if time is not None]
        return max(times, default=_EXPIRED)

    @property
    def client_ips_expire_at(self) -> datetime | None:
        """When the first of the client IPs in it expires. None without any.

        An IP of a login expires after 90 days, that of a delivery after one day, that of an
        attempt with the code.
        """
        times = [delivery.sent_at + ONE_DAY for delivery in self.deliveries]
        times += [trusted.last_login_at + TRUSTED_IP_TTL for trusted in self.trusted_ips]
        times += [
            challenge.expires_at
            for challenge in self.challenges
            for delivery in self.deliveries
            if delivery.challenge_id == challenge.id and delivery.has_unknown_ips
        ]
        return min(times, default=None)

    # Requests

    def recognize(self, request: OtpRequest) -> Recognition:
        """Return how a request is recognized. One for a phone without an identity is not."""
        requester = self._requester(request)
        if requester.device_id is not None:
            return Recognition.DEVICE
        if self.identity_id is not None and requester.has_own_quota(request.now):
            return Recognition.TRUSTED_IP
        return Recognition.NONE

    def request_delivery(
        self, request: OtpRequest, policy: DeliveryPolicy
    ) -> tuple["PhoneVerification", DeliveryDecision]:
        """Decide whether a code is delivered.

        - Within the cooldown nothing is sent. While the code of the latest delivery is valid,
          the request gets an id of its own for it, at most three for each delivery.
        - A resend carries the same code and does not extend its life. With less than a minute
          left a new challenge is made, and the old one stays valid to its end.

        Raises:
            TooManyOtpRequests: nothing changed; the error says when to try again.
        """
        pruned = self.prune(request.now)
        requester = pruned._requester(request)
        next_request_at = policy.earliest_request(requester, request.now)
        if next_request_at > request.now:
            is_cooled_down = policy.is_cooled_down(requester, request.now)
            referred = None if is_cooled_down else pruned._refer_to_delivery(request, requester)
            if referred is None:
                raise TooManyOtpRequests(whole_seconds(request.now, next_request_at))
            delivery, challenge = referred
            return pruned._replace_delivery(delivery), DeliveryDecision(
                delivery, challenge, request.new_request_id, next_request_at, is_new=False
            )
        challenge = next(
            (
                challenge
                for challenge in reversed(pruned.challenges)
                if challenge.is_resendable(request.now)
            ),
            request.new_challenge,
        )
        delivery = Delivery(
            request.new_request_id,
            challenge.id,
            request.client_ip,
            request.now,
            attempt_limit=pruned._attempts_of_new_delivery(is_limited=request.is_limited),
            device_id=requester.device_id,
            uses_own_quota=policy.uses_own_quota(requester, request.now),
        )
        is_new_challenge = challenge is request.new_challenge
        successor = replace(
            pruned,
            challenges=(*pruned.challenges, challenge) if is_new_challenge else pruned.challenges,
            deliveries=(*pruned.deliveries, delivery),
        )
        decision = DeliveryDecision(
            delivery,
            challenge,
            request.new_request_id,
            policy.earliest_request(successor._requester(request), request.now),
            is_new=True,
            is_suppressed=self.blocked_at is not None,
        )
        return successor, decision

    def cancel_delivery(self, request_id: str) -> "PhoneVerification":
        """Return the state without this delivery, because every provider rejected it.

        A delivery with attempts stays: otherwise those attempts would not count.
        """
        deliveries = tuple(
            delivery
            for delivery in self.deliveries
            if delivery.request_id != request_id or delivery.has_attempts
        )
        delivered = {delivery.challenge_id for delivery in deliveries}
        challenges = tuple(challenge for challenge in self.challenges if challenge.id in delivered)
        return replace(self, deliveries=deliveries, challenges=challenges)

    def _attempts_of_new_delivery(self, *, is_limited: bool) -> int:
        if self.failures.has_reached_maximum:
            return ATTEMPTS_AFTER_MAX_FAILURES
        return ATTEMPTS_OF_LIMITED_DELIVERY if is_limited else ATTEMPTS_PER_DELIVERY

    def _refer_to_delivery(
        self, request: OtpRequest, requester: Requester
    ) -> tuple[Delivery, Challenge] | None:
        """Return the latest delivery of an active code with the new request id, and its challenge.

        None if there is no such delivery, or if too many requests refer to it.
        """
        active = {challenge.id: challenge for challenge in self.active_challenges(request.now)}
        for delivery in reversed(self.deliveries):
            if delivery.challenge_id in active:
                referred = delivery.add_later_request(
                    request.new_request_id, is_of_device=requester.device_id is not None
                )
                return (referred, active[delivery.challenge_id]) if referred else None
        return None

    def _requester(self, request: OtpRequest) -> Requester:
        trusted_login_at = self._last_login_at(request.client_ip)
        return Requester(
            request.client_ip,
            self.deliveries,
            trusted_until=trusted_login_at and trusted_login_at + TRUSTED_IP_TTL,
            device_id=self._recognize(request.device),
            last_login_at=max(
                (trusted.last_login_at for trusted in self.trusted_ips), default=None
            ),
        )

    # Attempts

    def active_challenges(self, now: datetime) -> tuple[Challenge, ...]:
        """Return the challenges whose codes are accepted now, at most two."""
        return tuple(challenge for challenge in self.challenges if challenge.is_active(now))

    def comparable_challenges(self, now: datetime) -> tuple[Challenge, ...]:
        """Return the challenges whose codes an attempt is compared with, at most three.

        These are the active ones, and the one that was used last, until its code expires.
        """
        used = [
            (challenge.used_at, challenge)
            for challenge in self.challenges
            if challenge.used_at is not None and now < challenge.expires_at
        ]
        latest = [challenge for _, challenge in sorted(used, key=lambda pair: pair[0])[-1:]]
        return (*self.active_challenges(now), *latest)

    def has_own_attempts(self, attempt: OtpAttempt) -> bool:
        """Return whether the client has attempts that nobody else can use up.

        It holds the id of a request whose code has not expired, or it is a recognized device.
        """
        named = self._named_delivery(attempt.request_id, attempt.now)
        return named is not None or self._recognize(attempt.device) is not None

    def drop_challenges_without_key(self, has_key: Callable[[str], bool]) -> "PhoneVerification":
        """Return the state without challenges whose code cannot be derived anymore."""
        kept = tuple(challenge for challenge in self.challenges if has_key(challenge.key_id))
        return self if kept == self.challenges else replace(self, challenges=kept)

    def verify(
        self, attempt: OtpAttempt, codes: Mapping[str, str]
    ) -> tuple["PhoneVerification", VerificationResult]:
        """Count an attempt and decide whether its code is correct.

        - The limits decide first: an attempt is looked at only while one of its counters has
          attempts left. Then a correct code wins.
        - With a request id it counts on that id and can only match its challenge (ASVS 5.0
          6.6.2); from a recognized device it counts on the device; with both it counts on both.
        - Without them it counts on the IP: at the latest delivery that the IP requested, or else
          on the limit that all unknown IPs share. The first attempt of an IP after a delivery
          does not need that limit, so strangers who use it up lock out no owner.
        - An unknown request id counts as none, and no code is correct with it.
        - A wrong code that the same counter counted less than ten seconds ago is not counted
          again, and neither is the code that was just used.
        - While the phone is blocked a correct code counts as a wrong one and is not used.
        - While no challenge is active nothing is counted here: the phone has no state because
          of such attempts.
        - The first correct code of a phone assigns its identity.
        - Using a code chooses identity and session of its login once. The client that used it
          may send it again, to complete that login.

        Args:
            attempt: the code and its client.
            codes: the code of each of the `comparable_challenges`, by the challenge's id.

        Raises:
            TooManyAttempts: nothing changed; the error says when to try again.
        """
        pruned, now = self.prune(attempt.now), attempt.now
        equal = {
            # All are compared, even where they may not match, so that the time reveals nothing.
            challenge_id
            for challenge_id, code in codes.items()
            if hmac.compare_digest(code, attempt.code.digits)
        }
        is_replay = any(
            challenge.id in equal and challenge.used_at is not None
            for challenge in pruned.challenges
        )
        retried = pruned._find_retried(attempt, equal)
        replay = VerificationResult(
            is_correct=False,
            attempts_left=0,
            delivery=pruned._verified_delivery(attempt, retried) if retried else None,
            challenge=retried,
            is_replay=is_replay,
            is_device_recognized=pruned._recognize(attempt.device) is not None,
        )
        counters = pruned._counters_for(attempt, now)
        if not counters:
            return self, replace(replay, is_unchallenged=True)
        left = pruned._attempts_left(attempt, now)
        if left <= 0:
            raise TooManyAttempts(whole_seconds(now, pruned._next_attempt_at(attempt)))
        named = pruned._named_delivery(attempt.request_id, now)
        matched = next(
            (
                challenge
                for challenge in reversed(pruned.active_challenges(now))
                if challenge.id in equal
                and (attempt.request_id is None or (named and named.challenge_id == challenge.id))
            ),
            None,
        )
        if matched is not None and self.blocked_at is None:
            delivery = pruned._verified_delivery(attempt, matched)
            identity_id = self.identity_id or attempt.new_identity_id
            login = Login(identity_id, attempt.new_session_id, attempt.request_id)
            used = matched.mark_used(now, login)
            return pruned._use_challenge(used, delivery, attempt), VerificationResult(
                is_correct=True,
                attempts_left=left,
                delivery=delivery,
                challenge=used,
                is_device_recognized=pruned._recognize(attempt.device) is not None,
            )
        if is_replay:
            # As many as after a wrong code: the response does not reveal which code was used.
            return self, replace(replay, attempts_left=left - 1)
        if any(
            counter.is_repeat(attempt.digest(delivery.request_id), now)
            for delivery, counter in counters
        ):
            return self, VerificationResult(is_correct=False, attempts_left=left)
        counted = pruned._count_failure(attempt, counters)
        return counted, VerificationResult(
            is_correct=False, attempts_left=counted._attempts_left(attempt, now), is_counted=True
        )

    def _counters_for(
        self, attempt: OtpAttempt, time: datetime
    ) -> Sequence[tuple[Delivery, AttemptCounter]]:
        """Return the counters of an attempt with their deliveries, none if nothing is active."""
        current = self._current_deliveries(time)
        if not current or not self.active_challenges(time):
            return ()
        named = self._named_delivery(attempt.request_id, time)
        own = [delivery for delivery in current if delivery.client_ip.ip == attempt.client_ip.ip]
        device_id = self._recognize(attempt.device)
        counters = []
        if named and (counter := named.counter_of_request(attempt.request_id)):
            counters.append((named, counter))
        if device_id is not None:
            delivery = named or current[-1]
            counters.append((delivery, delivery.counter_of_device(device_id)))
        if counters:
            return counters
        delivery = (own or current)[-1]
        return [(delivery, delivery.counter_of_ip(attempt.client_ip))]

    def _attempts_left(self, attempt: OtpAttempt, time: datetime) -> int:
        return max(
            self._left_of(counter, delivery, attempt, time)
            for delivery, counter in self._counters_for(attempt, time)
        )

    def _left_of(
        self, counter: AttemptCounter, delivery: Delivery, attempt: OtpAttempt, time: datetime
    ) -> int:
        if counter.kind is not CounterKind.UNKNOWN_IP:
            return max(0, counter.left)
        if self.failures.has_reached_maximum:
            return 0
        left = min(counter.left, shared_attempts_left(self.shared_attempts, time))
        left = max(left, 0 if counter.used else 1)
        if not attempt.is_limited or self._last_login_at(attempt.client_ip) is not None:
            return left
        if not self._is_neighbor(attempt.client_ip, time):
            return 0
        # Each /64 of a /48 has a first attempt, and strangers may have all of them.
        return max(0, min(left, ATTEMPTS_OF_LIMITED_DELIVERY - delivery.attempts_of_unknown_ips))

    def _is_neighbor(self, client_ip: HashedClientIp, time: datetime) -> bool:
        """Return whether the IPv6 /48 of the IP requested a current delivery."""
        return any(
            client_ip.is_ipv6 and delivery.client_ip.network == client_ip.network
            for delivery in self._current_deliveries(time)
        )

    def _next_attempt_at(self, attempt: OtpAttempt) -> datetime:
        """Return when an attempt of this client is looked at, if nobody does anything."""
        times = [challenge.expires_at for challenge in self.challenges]
        times += [
            time + window.period for window in SHARED_ATTEMPTS for time in self.shared_attempts
        ]
        times += [attempt.unchallenged_at or attempt.now]
        return next(
            time
            for time in sorted(times)
            if time > attempt.now and self.prune(time)._allows_attempt(attempt, time)
        )

    def _allows_attempt(self, attempt: OtpAttempt, time: datetime) -> bool:
        if self._counters_for(attempt, time):
            return self._attempts_left(attempt, time) > 0
        return attempt.unchallenged_at is None or time >= attempt.unchallenged_at

    def _count_failure(
        self, attempt: OtpAttempt, counters: Sequence[tuple[Delivery, AttemptCounter]]
    ) -> "PhoneVerification":
        counted, now = self, attempt.now
        for delivery, counter in counters:
            changed = counter.count(attempt.digest(delivery.request_id), now)
            current = counted._find_delivery(delivery.request_id)
            counted = counted._replace_delivery(current.set_counter(changed))
        shared = self.shared_attempts
        is_shared = any(counter.kind is CounterKind.UNKNOWN_IP for _, counter in counters)
        if is_shared and shared_attempts_left(shared, now):
            shared = (*shared, now)
        return replace(
            counted,
            shared_attempts=shared,
            failures=self.failures.count(self._recognize(attempt.device), now),
        )

    def _find_retried(self, attempt: OtpAttempt, equal: Collection[str]) -> Challenge | None:
        """Return the used challenge whose code the same client sends again, or None.

        The client proves that by the request id that it used the code with, by the IP of a login,
        or as a recognized device: wrong codes are not counted at a used challenge, so others could
        guess.
        """
        if self.blocked_at is not None:
            return None
        named = self._named_delivery(attempt.request_id, attempt.now)
        is_known = (
            self._last_login_at(attempt.client_ip) is not None
            or self._recognize(attempt.device) is not None
        )
        return next(
            (
                challenge
                for challenge in self.challenges
                if challenge.id in equal
                and challenge.login is not None
                and challenge.login.identity_id == self.identity_id
                and (attempt.request_id is None or (named and named.challenge_id == challenge.id))
                and (is_known or (named and attempt.request_id == challenge.login.request_id))
            ),
            None,
        )

    def _verified_delivery(self, attempt: OtpAttempt, challenge: Challenge) -> Delivery:
        """Return the named delivery, or the latest one of the challenge."""
        return self._named_delivery(attempt.request_id, attempt.now) or next(
            delivery
            for delivery in reversed(self.deliveries)
            if delivery.challenge_id == challenge.id
        )

    def _use_challenge(
        self, used: Challenge, verified: Delivery, attempt: OtpAttempt
    ) -> "PhoneVerification":
        device_id = self._recognize(attempt.device)
        ip_hash = attempt.client_ip.ip
        others = [trusted for trusted in self.trusted_ips if trusted.client_ip_hash != ip_hash]
        return replace(
            self,
            challenges=tuple(
                used if challenge.id == used.id else challenge for challenge in self.challenges
            ),
            deliveries=tuple(
                delivery.reset_attempts(
                    attempt.client_ip, device_id, is_verified=delivery is verified
                )
                for delivery in self.deliveries
            ),
            failures=self.failures.reset(device_id),
            trusted_ips=(*others, TrustedIp(ip_hash, attempt.now))[-MAX_TRUSTED_IPS:],
            identity_id=self.identity_id or attempt.new_identity_id,
        )

    # What both need

    def _recognize(self, device: DeviceProof | None) -> str | None:
        """Return the id of a device of this phone's identity, unless it failed too often."""
        if device is None or device.identity_id != self.identity_id:
            return None
        return device.device_id if self.failures.is_recognized(device.device_id) else None

    def _last_login_at(self, client_ip: HashedClientIp) -> datetime | None:
        return next(
            (
                trusted.last_login_at
                for trusted in self.trusted_ips
                if trusted.client_ip_hash == client_ip.ip
            ),
            None,
        )

    def _current_deliveries(self, time: datetime) -> Sequence[Delivery]:
        """Return the deliveries whose code has not expired, used or not."""
        current = {challenge.id for challenge in self.challenges if time < challenge.expires_at}
        return [delivery for delivery in self.deliveries if delivery.challenge_id in current]

    def _named_delivery(self, request_id: str | None, time: datetime) -> Delivery | None:
        return next(
            (
                delivery
                for delivery in self._current_deliveries(time)
                if request_id is not None and delivery.counter_of_request(request_id)
            ),
            None,
        )

    def _find_delivery(self, request_id: str) -> Delivery:
        return next(delivery for delivery in self.deliveries if delivery.request_id == request_id)

    def _replace_delivery(self, changed: Delivery) -> "PhoneVerification":
        return replace(
            self,
            deliveries=tuple(
                changed if delivery.request_id == changed.request_id else delivery
                for delivery in self.deliveries
            ),
        )

    # Operators and cleanup

    def assign_identity(self, identity_id: str | None) -> "PhoneVerification":
        """Return the state of a phone that belongs to this identity, or to none."""
        return replace(self, identity_id=identity_id)

    def move_login(self, challenge_id: str, identity_id: str) -> "PhoneVerification":
        """Return the state with the login of this challenge at another identity."""
        return replace(
            self,
            challenges=tuple(
                challenge.move_login(identity_id) if challenge.id == challenge_id else challenge
                for challenge in self.challenges
            ),
        )

    def block(self, now: datetime) -> "PhoneVerification":
        """Return the state of a phone that is blocked. An earlier block keeps its time."""
        return self if self.blocked_at else replace(self, blocked_at=now)

    def unblock(self) -> "PhoneVerification":
        """Return the state of a phone that is not blocked. Everything counted stays counted."""
        return replace(self, blocked_at=None) if self.blocked_at else self

    def prune(self, now: datetime) -> "PhoneVerification":
        """Return the state without what expired and what lies in the future of any clock."""
        latest, since_day, trusted_since = now + CLOCK_SKEW, now - ONE_DAY, now - TRUSTED_IP_TTL
        challenges = tuple(
            challenge
            for challenge in self.challenges
            if now < challenge.expires_at and challenge.created_at <= latest
        )
        current = {challenge.id for challenge in challenges}
        return replace(
            self,
            challenges=challenges,
            deliveries=tuple(
                delivery if delivery.challenge_id in current else replace(delivery, counters=())
                for delivery in self.deliveries
                if since_day < delivery.sent_at <= latest
            ),
            shared_attempts=tuple(
                time for time in self.shared_attempts if since_day < time <= latest
            ),
            failures=self.failures.prune(now),
            trusted_ips=tuple(
                trusted for trusted in self.trusted_ips if trusted.last_login_at > trusted_since
            ),
        )

    def drop_client_ips(self) -> "PhoneVerification":
        """Return the state without client IPs, and without the codes that were sent to them."""
        return replace(self, challenges=(), deliveries=(), trusted_ips=())


def whole_seconds(now: datetime, until: datetime) -> int:
    """Return the seconds from now until then, rounded up, at least one (RFC 9110 §10.2.3)."""
    return max(1, math.ceil((until - now).total_seconds()))
