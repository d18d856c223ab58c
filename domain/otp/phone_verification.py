"""The aggregate that decides everything about one phone: deliveries, attempts, trust, block.

It is a consistency boundary: a use case loads it, the entity returns its successor, and the
repository replaces it if it is unchanged (optimistic concurrency).
"""

import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempts import OtpAttempt, UnboundAttempts, VerificationResult
from domain.otp.challenge import Challenge
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import ONE_DAY, Delivery, OtpRequest
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy, Requester
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
    """

    challenges: tuple[Challenge, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    unbound_attempts: UnboundAttempts = UnboundAttempts()
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
        times += self.unbound_attempts.expiry_times()
        return max(times, default=_EXPIRED)

    @property
    def client_ips_expire_at(self) -> datetime | None:
        """When the first of the client IPs in it expires. None without any.

        An IP of a login expires after 90 days, that of a delivery after one day, that of an
        attempt after one hour.
        """
        times = [delivery.sent_at + ONE_DAY for delivery in self.deliveries]
        times += [trusted.last_login_at + TRUSTED_IP_TTL for trusted in self.trusted_ips]
        times += self.unbound_attempts.client_ip_expiry_times()
        return min(times, default=None)

    def recognize(self, request: OtpRequest) -> Recognition:
        """Return how a request is recognized. One for a phone without an identity is not."""
        requester = self._requester(request.client_ip)
        if self.identity_id is not None and requester.is_trusted(request.now):
            return Recognition.TRUSTED_IP
        return Recognition.NONE

    def request_delivery(
        self, request: OtpRequest, policy: DeliveryPolicy
    ) -> tuple["PhoneVerification", DeliveryDecision]:
        """Decide whether a code is delivered.

        - Within the cooldown nothing is sent: an IP whose own delivery is active is referred to
          it, any other request is rejected.
        - A resend carries the same code and does not extend its life. With less than a minute
          left a new challenge is made, and the old one stays valid to its end.

        Raises:
            TooManyOtpRequests: nothing changed; the error says when to try again.
        """
        pruned = self.prune(request.now)
        requester = pruned._requester(request.client_ip)
        next_request_at = policy.earliest_request(requester, request.now)
        if next_request_at > request.now:
            cooldown = policy.cooldown_for(requester, request.now)
            return self, pruned._refer_to_delivery(request, cooldown, next_request_at)
        challenges = pruned.challenges
        challenge = next(
            (
                challenge
                for challenge in reversed(challenges)
                if challenge.is_resendable(request.now)
            ),
            None,
        )
        if challenge is None:
            challenge = request.new_challenge
            challenges = (*challenges, challenge)
        delivery = Delivery(
            request.new_request_id,
            challenge.id,
            request.client_ip,
            request.now,
            uses_trusted_ip_quota=policy.uses_trusted_ip_quota(requester, request.now),
        )
        successor = replace(
            pruned, challenges=challenges, deliveries=(*pruned.deliveries, delivery)
        )
        decision = DeliveryDecision(
            delivery,
            challenge,
            policy.earliest_request(successor._requester(request.client_ip), request.now),
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
            if delivery.request_id != request_id or delivery.attempts_used
        )
        delivered = {delivery.challenge_id for delivery in deliveries}
        challenges = tuple(challenge for challenge in self.challenges if challenge.id in delivered)
        return replace(self, deliveries=deliveries, challenges=challenges)

    def active_challenges(self, now: datetime) -> tuple[Challenge, ...]:
        """Return the challenges whose codes are accepted now, at most two."""
        return tuple(challenge for challenge in self.challenges if challenge.is_active(now))

    def drop_challenges_without_key(self, has_key: Callable[[str], bool]) -> "PhoneVerification":
        """Return the state without challenges whose key is gone: no code can be derived."""
        kept = tuple(challenge for challenge in self.challenges if has_key(challenge.key_id))
        return self if kept == self.challenges else replace(self, challenges=kept)

    def verify(
        self, attempt: OtpAttempt, codes: Mapping[str, str]
    ) -> tuple["PhoneVerification", VerificationResult]:
        """Count an attempt and decide whether its code is correct.

        - An attempt with a request id counts against that delivery and can only match its
          challenge (ASVS 5.0 6.6.2).
        - One without counts against its IP and against the latest delivery that this IP
          requested, or else against the shared limit. So strangers cannot lock out an app that
          sends no id.
        - One with an unknown request id counts as if it had none, and is never correct.
        - A delivery without attempts left rejects attempts until its code expires. From then on
          its request id is unknown.
        - While the phone is blocked a correct code counts as a wrong one and is not used.
        - The first correct code of a phone assigns its identity.

        Args:
            attempt: the code and its client.
            codes: the code of each active challenge, by the challenge's id.

        Raises:
            TooManyAttempts: nothing changed; the error says when to try again.
        """
        pruned = self.prune(attempt.now)
        named = pruned._latest_delivery(
            lambda delivery: delivery.request_id == attempt.request_id, attempt.now
        )
        counted, attempts_left = (
            pruned._count_on_delivery(named, attempt) if named else pruned._count_unbound(attempt)
        )
        matched = None
        for challenge in pruned.active_challenges(attempt.now):
            may_match = attempt.request_id is None or (
                named is not None and named.challenge_id == challenge.id
            )
            # Compared even where it may not match, so that the time reveals nothing.
            is_equal = hmac.compare_digest(codes[challenge.id], attempt.code.digits)
            if is_equal and may_match:
                matched = challenge
        if matched is None or self.blocked_at is not None:
            return counted, VerificationResult(is_correct=False, attempts_left=attempts_left)
        delivery = named or pruned._latest_delivery(
            lambda delivery: delivery.challenge_id == matched.id, attempt.now
        )
        successor = counted._use_challenge(matched, attempt)
        return successor, VerificationResult(
            is_correct=True,
            attempts_left=attempts_left,
            delivery=delivery,
            identity_id=successor.identity_id,
        )

    def assign_identity(self, identity_id: str | None) -> "PhoneVerification":
        """Return the state of a phone that belongs to this identity, or to none."""
        return replace(self, identity_id=identity_id)

    def block(self, now: datetime) -> "PhoneVerification":
        """Return the state of a phone that is blocked. An earlier block keeps its time."""
        return self if self.blocked_at else replace(self, blocked_at=now)

    def unblock(self) -> "PhoneVerification":
        """Return the state of a phone that is not blocked. Everything counted stays counted."""
        return replace(self, blocked_at=None) if self.blocked_at else self

    def prune(self, now: datetime) -> "PhoneVerification":
        """Return the state without what expired and what lies in the future of any clock."""
        latest, since_day, trusted_since = now + CLOCK_SKEW, now - ONE_DAY, now - TRUSTED_IP_TTL
        return replace(
            self,
            challenges=tuple(
                challenge
                for challenge in self.challenges
                if now < challenge.expires_at and challenge.created_at <= latest
            ),
            deliveries=tuple(
                delivery for delivery in self.deliveries if since_day < delivery.sent_at <= latest
            ),
            unbound_attempts=self.unbound_attempts.prune(now),
            trusted_ips=tuple(
                trusted for trusted in self.trusted_ips if trusted.last_login_at > trusted_since
            ),
        )

    def _requester(self, client_ip: HashedClientIp) -> Requester:
        logins = [
            trusted.last_login_at
            for trusted in self.trusted_ips
            if trusted.client_ip_hash == client_ip.ip
        ]
        trusted_until = logins[-1] + TRUSTED_IP_TTL if logins else None
        return Requester(client_ip, self.deliveries, trusted_until)

    def _refer_to_delivery(
        self, request: OtpRequest, cooldown: timedelta, next_request_at: datetime
    ) -> DeliveryDecision:
        active = {challenge.id: challenge for challenge in self.active_challenges(request.now)}
        for delivery in reversed(self.deliveries):
            is_own = delivery.client_ip == request.client_ip and delivery.challenge_id in active
            if is_own and delivery.sent_at + cooldown > request.now:
                challenge = active[delivery.challenge_id]
                return DeliveryDecision(delivery, challenge, next_request_at, is_new=False)
        raise TooManyOtpRequests(whole_seconds(request.now, next_request_at))

    def _latest_delivery(
        self, matches: Callable[[Delivery], bool], time: datetime
    ) -> Delivery | None:
        """Return the latest matching delivery of the day before `time`.

        One without attempts left is forgotten when its code expires.
        """
        delivery = next((found for found in reversed(self.deliveries) if matches(found)), None)
        if delivery is None or delivery.sent_at <= time - ONE_DAY:
            return None
        unexpired = {challenge.id for challenge in self.challenges if time < challenge.expires_at}
        if delivery.attempts_left > 0 or delivery.challenge_id in unexpired:
            return delivery
        return None

    def _latest_own_delivery(self, client_ip: HashedClientIp, time: datetime) -> Delivery | None:
        return self._latest_delivery(lambda delivery: delivery.client_ip == client_ip, time)

    def _expiry_of(self, delivery: Delivery) -> datetime:
        return next(
            challenge.expires_at
            for challenge in self.challenges
            if challenge.id == delivery.challenge_id
        )

    def _next_unbound_attempt(self, client_ip: HashedClientIp, now: datetime) -> datetime:
        """Return when an attempt from this IP without a request id is allowed."""
        own = self._latest_own_delivery(client_ip, now)
        times = [self.unbound_attempts.next_available_for(client_ip.ip, now)]
        if own is None or own.attempts_left <= 0:
            times.append(self.unbound_attempts.next_available_shared(now))
        if own is not None and own.attempts_left <= 0:
            times.append(self._expiry_of(own))
        return max(times)

    def _count_on_delivery(
        self, delivery: Delivery, attempt: OtpAttempt
    ) -> tuple["PhoneVerification", int]:
        if delivery.attempts_left <= 0:
            # When the code expires the request id becomes unknown, so the other limits decide.
            available_at = self._next_unbound_attempt(attempt.client_ip, self._expiry_of(delivery))
            raise TooManyAttempts(whole_seconds(attempt.now, available_at))
        counted = delivery.count_attempt()
        deliveries = tuple(
            counted if kept.request_id == counted.request_id else kept for kept in self.deliveries
        )
        return replace(self, deliveries=deliveries), counted.attempts_left

    def _count_unbound(self, attempt: OtpAttempt) -> tuple["PhoneVerification", int]:
        client_ip, now = attempt.client_ip, attempt.now
        available_at = self._next_unbound_attempt(client_ip, now)
        if available_at > now:
            raise TooManyAttempts(whole_seconds(now, available_at))
        own = self._latest_own_delivery(client_ip, now)
        if own is None:
            counted, left = self, self.unbound_attempts.remaining_shared(now) - 1
        else:
            counted, left = self._count_on_delivery(own, attempt)
        attempts = self.unbound_attempts.count(client_ip.ip, now, is_shared=own is None)
        left = min(left, attempts.remaining_for(client_ip.ip, now))
        return replace(counted, unbound_attempts=attempts), left

    def _use_challenge(self, used: Challenge, attempt: OtpAttempt) -> "PhoneVerification":
        challenges = tuple(
            challenge.mark_used(attempt.now) if challenge.id == used.id else challenge
            for challenge in self.challenges
        )
        deliveries = tuple(
            delivery.reset_attempts() if delivery.request_id == attempt.request_id else delivery
            for delivery in self.deliveries
        )
        ip_hash = attempt.client_ip.ip
        others = [trusted for trusted in self.trusted_ips if trusted.client_ip_hash != ip_hash]
        trusted_ips = (*others, TrustedIp(ip_hash, attempt.now))[-MAX_TRUSTED_IPS:]
        return replace(
            self,
            challenges=challenges,
            deliveries=deliveries,
            unbound_attempts=self.unbound_attempts.reset(ip_hash),
            trusted_ips=trusted_ips,
            identity_id=self.identity_id or attempt.new_identity_id,
        )


def whole_seconds(now: datetime, until: datetime) -> int:
    """Return the seconds from now until then, rounded up, at least one (RFC 9110 §10.2.3)."""
    return max(1, math.ceil((until - now).total_seconds()))
