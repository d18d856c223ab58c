"""The check of one attempt: which code it matches, and on what it counts."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.attempt_limits import AttemptLimits
from domain.otp.attempts import VerificationResult
from domain.otp.callback import Callback
from domain.otp.challenge import Challenge, Login
from domain.otp.delivery import Delivery
from domain.otp.sliding_window import whole_seconds
from domain.values import dataclass

if TYPE_CHECKING:
    from domain.otp.phone_verification import PhoneVerification


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """The check of one attempt at the state of a phone.

    Attributes:
        state: The state, without what expired.
        limits: The limits of the attempt.
        equal: The ids of the comparable challenges that have the attempt's code.
    """

    state: "PhoneVerification"
    limits: AttemptLimits
    equal: Collection[str]

    def check(self) -> tuple["PhoneVerification | None", VerificationResult]:
        """Compare the code with those of messages, and with that of the latest callback.

        A wrong code gets the result that it would have without the callback: nothing reveals that
        there is one.

        Returns:
            The successor of the state, None if nothing of it changes; and the result.
        """
        successor, result = self._check_deliveries()
        callback = self._open_callback()
        if callback is None or result.is_correct:
            return successor, result
        if callback.challenge.id in self.equal and self.state.blocked_at is None:
            return self._use(callback.challenge, left=callback.counter.left - 1, callback=callback)
        digest, now = self.limits.attempt.digest(callback.call_id), self.limits.attempt.now
        if self._is_replay or callback.counter.is_repeat(digest, now):
            return successor, result
        counted = (successor or self.state).replace_callback(callback.count(digest, now))
        if not result.is_counted:
            counted = self._count_failure(counted)
        return counted, replace(result, is_counted=True)

    @property
    def _is_replay(self) -> bool:
        """Whether the code was just used."""
        return bool(self.equal) and any(
            challenge.id in self.equal and challenge.used_at is not None
            for challenge in self.state.all_challenges
        )

    def _open_callback(self) -> Callback | None:
        """Return the latest callback if the attempt is compared with its code."""
        attempt, callbacks = self.limits.attempt, self.state.callbacks
        if not callbacks or attempt.request_id is not None:
            return None
        return callbacks[-1] if callbacks[-1].is_open(attempt.now) else None

    def _check_deliveries(self) -> tuple["PhoneVerification | None", VerificationResult]:
        limits, attempt = self.limits, self.limits.attempt
        named, delivery = limits.named_delivery(attempt.now), limits.delivery(attempt.now)
        if delivery is None:
            return None, self._uncounted(named, left=0, is_unchallenged=True)
        counters = limits.counters(delivery)
        left = limits.left_of(counters, delivery, attempt.now)
        if left <= 0:
            retry_after = whole_seconds(attempt.now, limits.next_attempt_at())
            return None, VerificationResult(
                is_correct=False, attempts_left=0, retry_after=retry_after
            )
        matched = self._find_matched(named)
        if matched is not None and self.state.blocked_at is None:
            verified = named or self._latest_delivery(matched)
            return self._use(matched, left=left - 1, delivery=verified)
        if self._is_replay:
            return None, self._uncounted(named, left=left - 1)
        digest = attempt.digest(delivery.request_id)
        if any(counter.is_repeat(digest, attempt.now) for counter in counters):
            return None, VerificationResult(is_correct=False, attempts_left=left)
        return self._count(delivery, counters, digest, left)

    def _uncounted(
        self, named: Delivery | None, *, left: int, is_unchallenged: bool = False
    ) -> VerificationResult:
        """Return the result of an attempt that does not count here.

        If it has a code that was used, and comes from the client that used it, the result has the
        challenge and what carried the code.
        """
        retried = self._find_retried(named)
        return VerificationResult(
            is_correct=False,
            attempts_left=left,
            delivery=(named or self._latest_delivery(retried)) if retried else None,
            callback=self._latest_callback(retried) if retried else None,
            challenge=retried,
            is_replay=self._is_replay,
            is_unchallenged=is_unchallenged,
            is_device_recognized=self.limits.device_id is not None,
        )

    def _find_matched(self, named: Delivery | None) -> Challenge | None:
        """Return the latest active challenge of a message that has the code, or None."""
        if not self.equal:
            return None
        request_id, now = self.limits.attempt.request_id, self.limits.attempt.now
        return next(
            (
                challenge
                for challenge in reversed(self.state.active_challenges(now))
                if challenge.id in self.equal
                and (request_id is None or (named and named.challenge_id == challenge.id))
            ),
            None,
        )

    def _find_retried(self, named: Delivery | None) -> Challenge | None:
        """Return the used challenge whose code the same client sends again, or None.

        The client proves that by the request id that it used the code with, by the IP of a login,
        or as a recognized device: wrong codes are not counted at a used challenge, so others could
        guess.
        """
        if not self.equal or self.state.blocked_at is not None:
            return None
        limits, request_id = self.limits, self.limits.attempt.request_id
        is_known = limits.trusted_until is not None or limits.device_id is not None
        return next(
            (
                challenge
                for challenge in self.state.all_challenges
                if challenge.id in self.equal
                and challenge.login is not None
                and challenge.login.identity_id == self.state.identity_id
                and (request_id is None or (named and named.challenge_id == challenge.id))
                and (is_known or (named and request_id == challenge.login.request_id))
            ),
            None,
        )

    def _latest_delivery(self, challenge: Challenge) -> Delivery | None:
        """Return the latest message with the code, None for the code of a callback."""
        return next(
            (
                delivery
                for delivery in reversed(self.state.deliveries)
                if delivery.challenge_id == challenge.id
            ),
            None,
        )

    def _latest_callback(self, challenge: Challenge) -> Callback | None:
        """Return the latest callback with the code, None for the code of a message."""
        callbacks = reversed(self.state.callbacks)
        return next(
            (callback for callback in callbacks if callback.challenge.id == challenge.id), None
        )

    def _use(
        self,
        challenge: Challenge,
        *,
        left: int,
        delivery: Delivery | None = None,
        callback: Callback | None = None,
    ) -> tuple["PhoneVerification", VerificationResult]:
        state, attempt, device_id = self.state, self.limits.attempt, self.limits.device_id
        identity_id = state.identity_id or attempt.new_identity_id
        login = Login(identity_id, attempt.new_session_id, attempt.request_id)
        used = challenge.mark_used(attempt.now, login)
        successor = replace(
            state.trust_ip(attempt.client_ip, attempt.now).map_challenges(
                lambda other: used if other.id == used.id else other
            ),
            deliveries=tuple(
                other.reset_attempts(attempt.client_ip, device_id, is_verified=other is delivery)
                for other in state.deliveries
            ),
            failures=state.failures.reset(device_id),
            identity_id=identity_id,
        )
        return successor, VerificationResult(
            is_correct=True,
            attempts_left=left,
            delivery=delivery,
            callback=callback,
            challenge=used,
            is_device_recognized=device_id is not None,
        )

    def _count(
        self, delivery: Delivery, counters: Sequence[AttemptCounter], digest: str, left: int
    ) -> tuple["PhoneVerification", VerificationResult]:
        limits, now = self.limits, self.limits.attempt.now
        counted = limits.count(delivery, counters, digest)
        # The counter of an unknown IP is the only one.
        is_of_unknown_ip = counters[0].kind is CounterKind.UNKNOWN_IP
        is_shared = is_of_unknown_ip and limits.shared_attempts_left(now) > 0
        failed = self.state.count_failure(counted, limits.device_id, now, is_shared=is_shared)
        left -= 1
        if is_of_unknown_ip:
            # Its attempts also depend on those of others.
            left = failed.attempt_limits(limits.attempt).attempts_left(counted, now)
        return failed, VerificationResult(is_correct=False, attempts_left=left, is_counted=True)

    def _count_failure(self, state: "PhoneVerification") -> "PhoneVerification":
        failures = state.failures.count(self.limits.device_id, self.limits.attempt.now)
        return replace(state, failures=failures)
