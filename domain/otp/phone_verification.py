"""The aggregate that decides everything about one phone: deliveries, attempts, trust, block.

It is a consistency boundary: a use case loads it, the entity returns its successor, and the
repository replaces it if it is unchanged (optimistic concurrency).
"""

import hmac
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempt_counters import (
    ATTEMPTS_AFTER_MAX_FAILURES,
    ATTEMPTS_OF_LIMITED_DELIVERY,
    ATTEMPTS_PER_DELIVERY,
)
from domain.otp.attempt_limits import AttemptLimits
from domain.otp.attempts import OtpAttempt, VerificationResult
from domain.otp.callback import Callback
from domain.otp.challenge import Challenge, Login
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import ONE_DAY, Delivery, DeviceProof, OtpRequest
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy, Requester
from domain.otp.failures import Failures
from domain.otp.rate_limits import Recognition
from domain.otp.sliding_window import CLOCK_SKEW

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
    callbacks: tuple[Callback, ...] = ()

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
        return Requester(
            request.client_ip,
            self.deliveries,
            trusted_until=self._trusted_until(request.client_ip),
            device_id=self._recognize(request.device),
            last_login_at=max(
                (trusted.last_login_at for trusted in self.trusted_ips), default=None
            ),
        )

    # Attempts

    def active_challenges(self, now: datetime) -> tuple[Challenge, ...]:
        """Return the challenges whose codes are accepted now, at most two."""
        return tuple(challenge for challenge in self.challenges if challenge.is_active(now))

    def find_challenge(self, challenge_id: str | None) -> Challenge | None:
        """Return the challenge of a delivery or callback with this id, or None."""
        challenges = (*self.challenges, *(callback.challenge for callback in self.callbacks))
        return next((found for found in challenges if found.id == challenge_id), None)

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
        limits = self.prune(attempt.now)._limits_of(attempt)
        return limits.device_id is not None or limits.named_delivery(attempt.now) is not None

    def drop_challenges_without_key(self, has_key: Callable[[str], bool]) -> "PhoneVerification":
        """Return the state without challenges whose code cannot be derived anymore."""
        kept = tuple(challenge for challenge in self.challenges if has_key(challenge.key_id))
        return self if kept == self.challenges else replace(self, challenges=kept)

    def verify(
        self, attempt: OtpAttempt, codes: Mapping[str, str]
    ) -> tuple["PhoneVerification", VerificationResult]:
        """Count an attempt and decide whether its code is correct.

        - The limits decide first whether an attempt is looked at (`AttemptLimits`). Then a correct
          code wins.
        - With a request id only the code of its challenge is correct (ASVS 5.0 6.6.2), and with an
          unknown one no code is.
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
        limits = pruned._limits_of(attempt)
        named, delivery = limits.named_delivery(now), limits.delivery(now)
        retried = pruned._find_retried(limits, equal, named)
        replay = VerificationResult(
            is_correct=False,
            attempts_left=0,
            delivery=(named or pruned._latest_delivery(retried)) if retried else None,
            challenge=retried,
            is_replay=any(
                challenge.id in equal and challenge.used_at is not None
                for challenge in pruned.challenges
            ),
            is_device_recognized=limits.device_id is not None,
        )
        if delivery is None:
            return self, replace(replay, is_unchallenged=True)
        left = limits.attempts_left(delivery, now)
        if left <= 0:
            raise TooManyAttempts(whole_seconds(now, limits.next_attempt_at()))
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
            identity_id = self.identity_id or attempt.new_identity_id
            login = Login(identity_id, attempt.new_session_id, attempt.request_id)
            used = matched.mark_used(now, login)
            verified = named or pruned._latest_delivery(matched)
            return pruned._use_challenge(used, verified, limits), VerificationResult(
                is_correct=True,
                attempts_left=left - 1,
                delivery=verified,
                challenge=used,
                is_device_recognized=limits.device_id is not None,
            )
        if replay.is_replay:
            return self, replace(replay, attempts_left=left - 1)
        if limits.is_repeat(delivery):
            return self, VerificationResult(is_correct=False, attempts_left=left)
        return pruned._count_failure(limits, delivery)

    def _limits_of(self, attempt: OtpAttempt) -> AttemptLimits:
        return AttemptLimits(
            attempt=attempt,
            challenges=self.challenges,
            deliveries=self.deliveries,
            shared_attempts=self.shared_attempts,
            device_id=self._recognize(attempt.device),
            trusted_until=self._trusted_until(attempt.client_ip),
            has_maximum_failures=self.failures.has_reached_maximum,
        )

    def _count_failure(
        self, limits: AttemptLimits, delivery: Delivery
    ) -> tuple["PhoneVerification", VerificationResult]:
        now, counted = limits.attempt.now, limits.count(delivery)
        shared = self.shared_attempts
        if limits.uses_shared_attempts(delivery) and limits.shared_attempts_left(now):
            shared = (*shared, now)
        failed = replace(
            self._replace_delivery(counted),
            shared_attempts=shared,
            failures=self.failures.count(limits.device_id, now),
        )
        left = failed._limits_of(limits.attempt).attempts_left(counted, now)
        return failed, VerificationResult(is_correct=False, attempts_left=left, is_counted=True)

    def _find_retried(
        self, limits: AttemptLimits, equal: Collection[str], named: Delivery | None
    ) -> Challenge | None:
        """Return the used challenge whose code the same client sends again, or None.

        The client proves that by the request id that it used the code with, by the IP of a login,
        or as a recognized device: wrong codes are not counted at a used challenge, so others could
        guess.
        """
        if self.blocked_at is not None:
            return None
        request_id = limits.attempt.request_id
        is_known = limits.trusted_until is not None or limits.device_id is not None
        return next(
            (
                challenge
                for challenge in self.challenges
                if challenge.id in equal
                and challenge.login is not None
                and challenge.login.identity_id == self.identity_id
                and (request_id is None or (named and named.challenge_id == challenge.id))
                and (is_known or (named and request_id == challenge.login.request_id))
            ),
            None,
        )

    def _latest_delivery(self, challenge: Challenge) -> Delivery:
        return next(
            delivery
            for delivery in reversed(self.deliveries)
            if delivery.challenge_id == challenge.id
        )

    def _use_challenge(
        self, used: Challenge, verified: Delivery, limits: AttemptLimits
    ) -> "PhoneVerification":
        attempt, device_id = limits.attempt, limits.device_id
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

    def _trusted_until(self, client_ip: HashedClientIp) -> datetime | None:
        return next(
            (
                trusted.last_login_at + TRUSTED_IP_TTL
                for trusted in self.trusted_ips
                if trusted.client_ip_hash == client_ip.ip
            ),
            None,
        )

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
                trusted
                for trusted in self.trusted_ips
                if trusted_since < trusted.last_login_at <= latest
            ),
        )

    def drop_client_ips(self) -> "PhoneVerification":
        """Return the state without client IPs, and without the codes that were sent to them."""
        return replace(self, challenges=(), deliveries=(), trusted_ips=())


def whole_seconds(now: datetime, until: datetime) -> int:
    """Return the seconds from now until then, rounded up, at least one (RFC 9110 §10.2.3)."""
    return max(1, math.ceil((until - now).total_seconds()))
