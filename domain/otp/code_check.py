"""The check of one attempt: if it is looked at, which code it matches, on what it counts."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.otp.attempts import (
    Correct,
    Exhausted,
    ExhaustedIp,
    LoginDecision,
    LoginRejection,
    NotCounted,
    OtpAttempt,
    Retried,
    UsedCode,
    VerificationResult,
    Wrong,
)
from domain.otp.challenge import Challenge, Login, Purpose
from domain.otp.deliveries import SHARED_ATTEMPTS
from domain.otp.delivery import (
    AttemptCounter,
    CounterKind,
    Delivery,
)
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import whole_seconds

Checked = tuple[PhoneVerification, VerificationResult]


def compare_code(
    verification: PhoneVerification, attempt: OtpAttempt, codes: Mapping[str, str]
) -> "CodeCheck":
    """Compare the code of an attempt with those of a phone. It counts nothing.

    - An attempt of an IP without a permit is looked at only if the client has attempts of its own.
    - The limits decide first whether an attempt is looked at (see `CodeCheck`). Then a correct
      code wins.
    - With a request id only the code of its challenge is correct (ASVS 5.0 6.6.2), and with an
      unknown one no code is.
    - Only codes for the purpose of the attempt are compared with it.
    - While the phone is blocked no code is correct, but for one for a change of the phone: the
      number counts as one that is in use.

    `codes` are those of the `comparable_challenges`, by the challenge's id.
    """
    equal = {
        # All are compared, even where they may not match, so that the time reveals nothing.
        challenge_id
        for challenge_id, code in codes.items()
        if hmac.compare_digest(code, attempt.code.digits)
    }
    check = CodeCheck(attempt, verification.prune(attempt.now), equal)
    return replace(check, match=check.find_match())


def count_attempt(
    verification: PhoneVerification,
    check: "CodeCheck",
    decision: LoginDecision | None = None,
) -> Checked:
    """Use a correct code, or count the attempt.

    - A wrong code that the same counter counted less than ten seconds ago is not counted
      again, and neither is the code that was just used, nor any code while none is active. If the
      limits are used up, the state does not change.
    - While a login can be repeated its code counts attempts: others behind the same IP would guess
      it. Nobody has attempts left at it.
    - An attempt that is `Exhausted` is not counted here: the phone has no state because of it.
    - The first correct code of a phone that signs in assigns its identity. The client that used
      the code may send it again, to complete its login.

    Args:
        verification: What was compared. It is returned as the same object if nothing changes.
        check: The attempt.
        decision: What the login hook decided about a correct code.
    """
    if check.match is not None:
        return check.use(check.match, decision)
    successor, result = check.count_wrong()
    return verification if successor is check.state else successor, result


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """The check of one attempt: it is looked at only while it has attempts left.

    - With a request id it counts on that id, from a recognized device on the device, with both
      on both. Nobody else uses these attempts.
    - With neither it counts on the IP: at the latest delivery that the IP requested or, if it
      requested none, at the latest of all, and also on the limit that all unknown IPs share. The
      first attempt of an IP after a delivery does not need that limit, so strangers who use it up
      lock out no owner.
    - With an unknown request id it counts nowhere, and no code is correct.
    - It counts only on deliveries whose code is active, or was used less than a minute ago.

    Attributes:
        state: what is known about the phone, without what expired. After the maximum of failures
            in a row unknown IPs have no attempts.
        equal: the ids of the comparable challenges that have the attempt's code.
        match: the code if it is correct, with the login that it will be used for.
    """

    attempt: OtpAttempt
    state: PhoneVerification
    equal: Collection[str] = ()
    match: Correct | None = None

    @property
    def device_id(self) -> str | None:
        return self.state.recognize_device(self.attempt.device)

    @property
    def challenges(self) -> list[Challenge]:
        """The challenges whose codes are for the purpose of the attempt."""
        return self.state.challenges.for_purpose(self.attempt.purpose, self.attempt.identity_id)

    def active_challenges(self, time: datetime) -> list[Challenge]:
        return [challenge for challenge in self.challenges if challenge.is_active(time)]

    def find_match(self) -> Correct | None:
        """Return the code that is correct; None if the attempt is not looked at, or has none."""
        now = self.attempt.now
        if not self._accepts_correct_code or self._is_rejected_ip:
            return None
        named, delivery = self.named_delivery(now), self.delivery(now)
        left = self.attempts_left(delivery, now) if delivery else 0
        for challenge in reversed(self.active_challenges(now)):
            if left > 0 and self._matches(challenge, named):
                return self._match(challenge, named or self._find_carrier(challenge), left=left - 1)
        return None

    def count_wrong(self) -> Checked:
        """Count the attempt, whose code is not correct."""
        if self._is_rejected_ip:
            return self.state, self._reject_ip()
        return self._count_at_message()

    @property
    def _is_rejected_ip(self) -> bool:
        return self.attempt.ip_available_at is not None and not self.has_own_attempts

    def _reject_ip(self) -> VerificationResult:
        """Return the result for an IP that has no permit."""
        now = self.attempt.now
        retry_after = whole_seconds(now, self.attempt.ip_available_at or now)
        _, result = self._count_at_message()
        if isinstance(result, Exhausted):
            return Exhausted(max(retry_after, result.retry_after))
        return ExhaustedIp(retry_after)

    @property
    def _is_used_code(self) -> bool:
        return any(
            challenge.id in self.equal and challenge.used_at is not None
            for challenge in self.challenges
        )

    def _count_at_message(self) -> Checked:
        state, now = self.state, self.attempt.now
        delivery = self.delivery(now)
        if delivery is None:
            return state, NotCounted(0)
        left = self.attempts_left(delivery, now)
        if left <= 0:
            retry_after = whole_seconds(now, self._next_attempt_at())
            return state, Exhausted(retry_after)
        if self._is_used_code:
            left, retried = self._shown(left - 1), self._find_retried(self.named_delivery(now))
            return state, Retried(retried, left) if retried else NotCounted(left)
        digest = self.attempt.digest(delivery.request_id)
        if any(counter.is_repeat(digest, now) for counter in self.counters(delivery)):
            return state, NotCounted(self._shown(left))
        successor, counted = self.count(delivery, digest)
        left = replace(self, state=successor).attempts_left(counted, now)
        return successor, Wrong(self._shown(left), self._is_of_others(delivery))

    def _shown(self, left: int) -> int:
        """Return how many attempts a client is told: none where no code is active."""
        return left if self.active_challenges(self.attempt.now) else 0

    @property
    def _accepts_correct_code(self) -> bool:
        """Whether a correct code is used. At a blocked phone it counts as a wrong one."""
        return self.state.blocked_at is None or self.attempt.purpose is Purpose.CHANGE_PHONE

    def _find_retried(self, named: Delivery | None) -> UsedCode | None:
        """Return the used code that the same client sends again, or None.

        The client proves that by the request id that it used the code with or, for a sign-in, by
        the IP of a login or as a recognized device: wrong codes are not counted at a used
        challenge, so others could guess.
        """
        state, request_id = self.state, self.attempt.request_id
        is_sign_in = self.attempt.purpose is Purpose.SIGN_IN
        is_trusted = state.trusted_until(self.attempt) is not None
        is_known = is_sign_in and (is_trusted or self.device_id is not None)
        for challenge in self.challenges if self._accepts_correct_code else ():
            login = challenge.login
            if (
                login is not None
                and (not is_sign_in or login.identity_id == state.identity_id)
                and (
                    (challenge.id in self.equal and challenge.was_used_with(request_id))
                    or (is_known and self._matches(challenge, named))
                )
            ):
                return self._used_code(challenge, login, named or self._find_carrier(challenge))
        return None

    def _matches(self, challenge: Challenge, named: Delivery | None) -> bool:
        """Return whether the challenge has the code, and is that of the request id if any."""
        if named is None:
            return challenge.id in self.equal and self.attempt.request_id is None
        return challenge.id in self.equal and named.challenge_id == challenge.id

    def _find_carrier(self, challenge: Challenge) -> Delivery:
        """Return the latest delivery of a challenge, which is kept for longer than the code."""
        deliveries = reversed(self.state.deliveries.all)
        return next(found for found in deliveries if found.challenge_id == challenge.id)

    def _used_code(self, challenge: Challenge, login: Login, carrier: Delivery) -> UsedCode:
        deliveries = tuple(
            delivery
            for delivery in self.state.deliveries.all
            if delivery.challenge_id == challenge.id
        )
        is_device_recognized = self.device_id is not None
        return UsedCode(challenge, login, carrier, is_device_recognized, deliveries)

    def _match(self, challenge: Challenge, carrier: Delivery, *, left: int) -> Correct:
        """Return the code with the login that it is for. Only a sign-in has a session."""
        state, attempt = self.state, self.attempt
        identity_id, session_id = state.identity_id, ""
        if attempt.purpose is Purpose.SIGN_IN:
            identity_id = identity_id or attempt.new_identity_id
            session_id = attempt.new_session_id
        elif attempt.purpose is not Purpose.CONSOLE_SIGN_IN:
            identity_id = attempt.identity_id
        login = Login(identity_id or "", session_id, attempt.request_id)
        used = challenge.mark_used(attempt.now, login)
        return Correct(self._used_code(used, login, carrier), left)

    def use(self, match: Correct, decision: LoginDecision | None) -> Checked:
        """Use the code. Only a sign-in makes the phone trust the IP, and assigns its identity.

        One that is rejected does neither, and its login is of no identity, so that no retry
        completes it.
        """
        state, attempt, device_id = self.state, self.attempt, self.device_id
        code, owned = match.code, state
        if isinstance(decision, LoginRejection):
            code = code.with_login(Login("", "", attempt.request_id))
        elif attempt.purpose is Purpose.SIGN_IN:
            if decision is not None:
                code = code.with_login(replace(code.login, claims=decision.claims))
            if not state.identity_id:
                owned = state.change_owner(code.login.identity_id)
            owned = owned.trust_ip(attempt.client_ip, attempt.now)
        used = code.challenge
        deliveries = [
            delivery.reset_attempts(
                attempt.client_ip, device_id, is_verified=delivery is code.carrier
            )
            for delivery in state.deliveries.all
        ]
        settled = [
            replace(delivery, permits=None) if delivery.challenge_id == used.id else delivery
            for delivery in deliveries
        ]
        successor = replace(
            owned.map_challenges(lambda other: used if other.id == used.id else other),
            deliveries=replace(state.deliveries, all=tuple(settled)),
            failures=state.failures.reset(device_id),
        )
        return successor, Correct(code, match.attempts_left)

    @property
    def has_own_attempts(self) -> bool:
        """Whether the client has attempts that nobody else can use up.

        It has the id of a request whose code has not expired, or it is a recognized device.
        """
        return self.device_id is not None or self.named_delivery(self.attempt.now) is not None

    def named_delivery(self, time: datetime) -> Delivery | None:
        """Return the delivery that the request id refers to, or None."""
        if self.attempt.request_id is None:
            return None
        for delivery in self._current_deliveries(time):
            if delivery.counter_of_request(self.attempt.request_id):
                return delivery
        return None

    def delivery(self, time: datetime) -> Delivery | None:
        """Return the delivery that the attempt counts on, None if it counts on none."""
        if self.attempt.request_id is not None:
            return self.named_delivery(time)
        current = self._current_deliveries(time)
        if self.device_id is None:
            ip = self.attempt.client_ip.ip
            for delivery in reversed(current):
                if delivery.client_ip.ip == ip:
                    return delivery
        return current[-1] if current else None

    def counters(self, delivery: Delivery) -> Sequence[AttemptCounter]:
        """Return the counters of the attempt at the delivery that it counts on."""
        counters = []
        if of_request := delivery.counter_of_request(self.attempt.request_id):
            counters.append(of_request)
        if self.device_id is not None:
            counters.append(delivery.counter_of_device(self.device_id))
        if counters:
            return counters
        return [delivery.counter_of_ip(self.attempt.client_ip)]

    def attempts_left(self, delivery: Delivery, time: datetime) -> int:
        """Return how many attempts the client has left at the delivery."""
        counters = self.counters(delivery)
        if counters[0].kind is CounterKind.UNKNOWN_IP:  # it is the only one
            return self._attempts_left_of_unknown_ip(counters[0], delivery, time)
        return max(0, *(counter.left for counter in counters))

    def count(self, delivery: Delivery, digest: str) -> tuple[PhoneVerification, Delivery]:
        """Return state and delivery after the attempt with this digest failed at the delivery."""
        counters, now = self.counters(delivery), self.attempt.now
        for counter in counters:
            delivery = delivery.set_counter(counter.count(digest, now))
        # The counter of an unknown IP is the only one.
        is_of_unknown_ip = counters[0].kind is CounterKind.UNKNOWN_IP
        is_shared = is_of_unknown_ip and self.state.deliveries.shared_attempts_left(now) > 0
        counted = replace(self.state, deliveries=self.state.deliveries.set_delivery(delivery))
        return counted.count_failure(self.device_id, now, is_shared=is_shared), delivery

    def _next_attempt_at(self) -> datetime:
        """Return when the attempt will be looked at, if it is not now and nobody does anything."""
        now = self.attempt.now
        times = [challenge.retained_until for challenge in self.challenges]
        times += [
            time + window.period
            for window in SHARED_ATTEMPTS
            for time in self.state.deliveries.shared_attempts
        ]
        return next(time for time in sorted(times) if time > now and self._allows(time))

    def _allows(self, time: datetime) -> bool:
        delivery = self.delivery(time)
        return delivery is None or self.attempts_left(delivery, time) > 0

    def _attempts_left_of_unknown_ip(
        self, counter: AttemptCounter, delivery: Delivery, time: datetime
    ) -> int:
        """Return how many attempts an IP has left that requested none of the deliveries.

        - It has none after the maximum of failures in a row, and where it is one of the others
          none while their limits are used up.
        - Its first attempt after a delivery does not need the limit that all unknown IPs share.
        """
        if self.state.failures.has_reached_maximum:
            return 0
        if self.attempt.is_limited and self._is_of_others(delivery):
            return 0
        left = max(0, min(counter.left, self.state.deliveries.shared_attempts_left(time)))
        return left if counter.used else max(1, left)

    def _is_of_others(self, delivery: Delivery) -> bool:
        """Return whether the attempt counts on the limits of others as well."""
        trusted_until = self.state.trusted_until(self.attempt)
        if trusted_until is not None and self.attempt.now < trusted_until:
            return False
        return self.counters(delivery)[0].kind is CounterKind.UNKNOWN_IP

    def _current_deliveries(self, time: datetime) -> Sequence[Delivery]:
        """Return the deliveries on whose code attempts count."""
        current = [each.id for each in self.challenges if time < each.retained_until]
        return [
            delivery for delivery in self.state.deliveries.all if delivery.challenge_id in current
        ]
