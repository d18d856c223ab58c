"""The phone record: everything that is decided about one phone is decided here.

It is one consistency boundary: it is loaded, it gives its successor, and the successor is
saved by compare and swap.
"""

import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempts import UnboundAttempts
from domain.otp.challenge import Challenge
from domain.otp.decisions import DeliveryDecision, OtpAttempt, OtpRequest, VerificationResult
from domain.otp.delivery import ONE_DAY, Delivery, DeliveryPolicy, Requester
from domain.otp.sliding_window import CLOCK_SKEW

TRUSTED_IP_TTL: Final = timedelta(days=90)
MAX_TRUSTED_IPS: Final = 20
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrustedIp:
    """An address from which this phone has signed in, and when it last did."""

    client_ip: str
    last_login_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneVerification:
    """Live challenges, sends, tries, addresses that signed in lately, and whose phone it is.

    A phone that never asked has an empty one, and gets the same answers from it. So does one
    that is `blocked`, except that no message leaves and no code is right.
    """

    challenges: tuple[Challenge, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    unbound_attempts: UnboundAttempts = UnboundAttempts()
    trusted_ips: tuple[TrustedIp, ...] = ()
    identity_id: str | None = None
    blocked_at: datetime | None = None

    def request_delivery(
        self, request: OtpRequest, policy: DeliveryPolicy
    ) -> tuple["PhoneVerification", DeliveryDecision]:
        """Decide whether a message goes out.

        - Within the cool-down nothing does: an address whose own send is alive is referred to
          that, any other is refused.
        - A resend sends the same code and does not lengthen its life; with less than a minute
          left a new challenge takes over, and the old one stays good to its end.

        Raises:
            TooManyOtpRequests: nothing was written, and when to come back is in it.
        """
        record = self._prune(request.now)
        asker = record._requester(request.client_ip)
        wait_until = policy.earliest_request(asker, request.now)
        if wait_until > request.now:
            return self, record._refer_to_delivery(
                request, policy.cooldown_for(asker, request.now), wait_until
            )
        challenge = next(
            (one for one in reversed(record.challenges) if one.is_resendable(request.now)), None
        )
        challenges = record.challenges
        if challenge is None:
            challenge = request.new_challenge
            challenges = (*challenges, challenge)
        send = Delivery(
            request.new_request_id,
            challenge.id,
            request.client_ip,
            request.now,
            uses_trusted_ip_quota=policy.uses_trusted_ip_quota(asker, request.now),
        )
        after = replace(record, challenges=challenges, deliveries=(*record.deliveries, send))
        next_ask_at = policy.earliest_request(after._requester(request.client_ip), request.now)
        is_withheld = self.blocked_at is not None
        return after, DeliveryDecision(
            send, challenge, next_ask_at, is_new=True, is_suppressed=is_withheld
        )

    def drop_challenges_without_key(self, has_key: Callable[[str], bool]) -> "PhoneVerification":
        """The record without the challenges whose key is gone: no code of theirs can be told."""
        kept = tuple(one for one in self.challenges if has_key(one.key_id))
        return self if kept == self.challenges else replace(self, challenges=kept)

    def cancel_delivery(self, request_id: str) -> "PhoneVerification":
        """The record as if this send had not been made: no sender would have it.

        A send whose tries somebody drew on meanwhile stays, or those tries would be free.
        """
        sends = tuple(
            send for send in self.deliveries if send.request_id != request_id or send.attempts_used
        )
        sent = {send.challenge_id for send in sends}
        challenges = tuple(one for one in self.challenges if one.id in sent)
        return replace(self, deliveries=sends, challenges=challenges)

    def active_challenges(self, now: datetime) -> tuple[Challenge, ...]:
        """The challenges whose codes would be taken now; two at the most."""
        return tuple(one for one in self.challenges if one.is_active(now))

    def verify(
        self, attempt: OtpAttempt, codes: Mapping[str, str]
    ) -> tuple["PhoneVerification", VerificationResult]:
        """Count an answer and say whether it is right.

        `codes` holds the code of each live challenge by its id. An answer that names a request
        draws on that send's tries and can only match its challenge (ASVS 5.0 6.6.2). One that
        names none draws on its address's tries and, besides, on those of the latest send that
        this address caused, or, where it caused none, on the pool of strangers: so neither their
        guesses nor their asks lock out an app that sends no id. One that names an unknown
        request draws as if it named none, and is wrong. A send whose tries are spent refuses
        until its code is over, and is as good as unknown from then on. While the phone is
        blocked a right answer is a wrong one: it is counted, and spends nothing.

        Raises:
            TooManyAttempts: nothing was counted, and when to come back is in it.
        """
        record = self._prune(attempt.now)
        named = record._latest_delivery(
            lambda one: one.request_id == attempt.request_id, attempt.now
        )
        counted, attempts_left = (
            record._count_on_delivery(named, attempt) if named else record._count_unbound(attempt)
        )
        right = None
        for challenge in record.active_challenges(attempt.now):
            is_meant = attempt.request_id is None or (
                named is not None and named.challenge_id == challenge.id
            )
            # Compared for every challenge, meant or not, so that time tells nothing.
            is_same = hmac.compare_digest(codes[challenge.id], attempt.code.digits)
            if is_same and is_meant:
                right = challenge
        if right is None or self.blocked_at is not None:
            return counted, VerificationResult(is_correct=False, attempts_left=attempts_left)
        brought_by = named or record._latest_delivery(
            lambda one: one.challenge_id == right.id, attempt.now
        )
        return counted._complete(right, attempt), VerificationResult(
            True, attempts_left, brought_by
        )

    def assign_identity(self, identity_id: str | None) -> "PhoneVerification":
        """The record of a phone that is this identity's, or nobody's any more."""
        return replace(self, identity_id=identity_id)

    def block(self, now: datetime) -> "PhoneVerification":
        """The record of a phone that is blocked from now on, or since before."""
        return self if self.blocked_at else replace(self, blocked_at=now)

    def unblock(self) -> "PhoneVerification":
        """The record of a phone that is not blocked; what was counted meanwhile stays counted."""
        return replace(self, blocked_at=None) if self.blocked_at else self

    def expires_at(self) -> datetime | None:
        """When nothing in it matters any more; None while it names an identity or is blocked."""
        if self.identity_id is not None or self.blocked_at is not None:
            return None
        ends = [challenge.expires_at for challenge in self.challenges]
        ends += [send.sent_at + ONE_DAY for send in self.deliveries]
        ends += [known.last_login_at + TRUSTED_IP_TTL for known in self.trusted_ips]
        ends += self.unbound_attempts.expiry_times()
        return max(ends, default=_LONG_AGO)

    def _requester(self, client_ip: str) -> Requester:
        signed_in = [
            known.last_login_at for known in self.trusted_ips if known.client_ip == client_ip
        ]
        known_until = signed_in[-1] + TRUSTED_IP_TTL if signed_in else None
        return Requester(client_ip, self.deliveries, known_until)

    def _refer_to_delivery(
        self, request: OtpRequest, cooldown: timedelta, wait_until: datetime
    ) -> DeliveryDecision:
        live = {one.id: one for one in self.active_challenges(request.now)}
        for send in reversed(self.deliveries):
            is_own = send.client_ip == request.client_ip and send.challenge_id in live
            if is_own and send.sent_at + cooldown > request.now:
                return DeliveryDecision(send, live[send.challenge_id], wait_until, is_new=False)
        raise TooManyOtpRequests(whole_seconds(request.now, wait_until))

    def _latest_delivery(
        self, is_meant: Callable[[Delivery], bool], at: datetime
    ) -> Delivery | None:
        """Give the latest such send of the day before `at`.

        One without tries is forgotten when its code is over.
        """
        send = next((one for one in reversed(self.deliveries) if is_meant(one)), None)
        if send is None or send.sent_at <= at - ONE_DAY:
            return None
        unexpired = {one.id for one in self.challenges if at < one.expires_at}
        return send if send.attempts_left > 0 or send.challenge_id in unexpired else None

    def _expiry_of(self, delivery: Delivery) -> datetime:
        return next(one.expires_at for one in self.challenges if one.id == delivery.challenge_id)

    def _next_unbound_attempt(self, client_ip: str, now: datetime) -> datetime:
        """When an answer from here that names no request counts: `now`, or later."""
        own = self._latest_delivery(lambda one: one.client_ip == client_ip, now)
        waits = [self.unbound_attempts.next_available_for(client_ip, now)]
        if own is None or own.attempts_left <= 0:
            waits.append(self.unbound_attempts.next_available_shared(now))
        if own is not None and own.attempts_left <= 0:
            waits.append(self._expiry_of(own))
        return max(waits)

    def _count_on_delivery(
        self, delivery: Delivery, attempt: OtpAttempt
    ) -> tuple["PhoneVerification", int]:
        if delivery.attempts_left <= 0:
            # From then on it is unknown, and what is drawn on instead is what there is then.
            free = self._next_unbound_attempt(attempt.client_ip, self._expiry_of(delivery))
            raise TooManyAttempts(whole_seconds(attempt.now, free))
        after = delivery.count_attempt()
        return self._replace_delivery(after), after.attempts_left

    def _count_unbound(self, attempt: OtpAttempt) -> tuple["PhoneVerification", int]:
        tries, address, now = self.unbound_attempts, attempt.client_ip, attempt.now
        free = self._next_unbound_attempt(address, now)
        if free > now:
            raise TooManyAttempts(whole_seconds(now, free))
        own = self._latest_delivery(lambda one: one.client_ip == address, now)
        counted, left = (
            (self, tries.remaining_shared(now) - 1)
            if own is None
            else self._count_on_delivery(own, attempt)
        )
        tries = tries.count(address, now, is_shared=own is None)
        return replace(counted, unbound_attempts=tries), min(
            left, tries.remaining_for(address, now)
        )

    def _complete(self, challenge: Challenge, attempt: OtpAttempt) -> "PhoneVerification":
        spent = tuple(
            replace(one, spent=True) if one.id == challenge.id else one for one in self.challenges
        )
        sends = tuple(
            one.reset_attempts() if one.request_id == attempt.request_id else one
            for one in self.deliveries
        )
        others = [one for one in self.trusted_ips if one.client_ip != attempt.client_ip]
        known = (*others, TrustedIp(attempt.client_ip, attempt.now))[-MAX_TRUSTED_IPS:]
        return replace(
            self,
            challenges=spent,
            deliveries=sends,
            unbound_attempts=self.unbound_attempts.reset(attempt.client_ip),
            trusted_ips=known,
        )

    def _replace_delivery(self, changed: Delivery) -> "PhoneVerification":
        sends = tuple(
            changed if one.request_id == changed.request_id else one for one in self.deliveries
        )
        return replace(self, deliveries=sends)

    def _prune(self, now: datetime) -> "PhoneVerification":
        """The record without what is over, or later than any clock may be."""
        latest, yesterday = now + CLOCK_SKEW, now - ONE_DAY
        known_since = now - TRUSTED_IP_TTL
        return replace(
            self,
            challenges=tuple(
                one for one in self.challenges if now < one.expires_at and one.created_at <= latest
            ),
            deliveries=tuple(one for one in self.deliveries if yesterday < one.sent_at <= latest),
            unbound_attempts=self.unbound_attempts.prune(now),
            trusted_ips=tuple(one for one in self.trusted_ips if one.last_login_at > known_since),
        )


def whole_seconds(now: datetime, until: datetime) -> int:
    """Seconds from now until then, rounded up, at least one (RFC 9110 §10.2.3)."""
    return max(1, math.ceil((until - now).total_seconds()))
