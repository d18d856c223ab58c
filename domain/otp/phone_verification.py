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
from domain.otp.callback import CALLBACKS_PER_PHONE, Callback
from domain.otp.challenge import Challenge, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import (
    ATTEMPTS_AFTER_MAX_FAILURES,
    ATTEMPTS_OF_LIMITED_DELIVERY,
    ATTEMPTS_PER_DELIVERY,
    MAX_REJECTION_LENGTH,
    ONE_DAY,
    REJECTED_TTL,
    AttemptCounter,
    Channel,
    CounterKind,
    Delivery,
    DeviceProof,
    OtpRequest,
)
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy, Requester
from domain.otp.failures import FAILURES_TTL, MAX_FAILURES_AFTER_RESET, Failures
from domain.otp.operator_code import (
    MAX_OPERATOR_CODES,
    OPERATOR_CODES_LIMIT,
    OperatorCode,
    make_operator_code,
)
from domain.otp.permits import Permits, Recognition
from domain.otp.rejection import Rejection, keep_latest
from domain.otp.sliding_window import CLOCK_SKEW, whole_seconds

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
        """When it is no longer kept."""
        return self.chosen_at + CALL_LOCALE_TTL


@dataclass(frozen=True, slots=True)
class PhoneVerification:
    """Challenges, deliveries, attempts and trusted IPs of a phone, and the id of its identity.

    A phone that never requested a code has an empty one and gets the same responses. So does a
    blocked phone, except that nothing is delivered to it and no code is correct.

    `shared_attempts` are the times of the attempts that all unknown IPs made together. `callbacks`
    have challenges of their own, and use up nothing of the deliveries and their attempts.
    `rejected_callbacks` are the times of callbacks that the provider rejected. `limit_resets` are
    the times when operators reset the limits of the phone. After each reset, `has_granted_delivery`
    allows one delivery with all attempts.

    `operator_codes` are the codes that operators sent within a day. `rejections` are the latest
    requests within a day that were rejected: they are for operators, and decide nothing.

    `imported_id` is the id that an import gave the phone, before the identity exists: an identity
    under it belongs to that import, also if a login makes it first.

    `previous_identity_id` had this phone until its owner changed it to another one. Until
    `undo_until` it may get the phone back, and nobody else gets it. `trusted_ips` are those of that
    owner then.
    """

    challenges: tuple[Challenge, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    shared_attempts: tuple[datetime, ...] = ()
    failures: Failures = Failures()
    trusted_ips: tuple[TrustedIp, ...] = ()
    identity_id: str | None = None
    blocked_at: datetime | None = None
    callbacks: tuple[Callback, ...] = ()
    call_locale: CallLocale | None = None
    rejected_callbacks: tuple[datetime, ...] = ()
    limit_resets: tuple[datetime, ...] = ()
    has_granted_delivery: bool = False
    imported_id: str | None = None
    previous_identity_id: str | None = None
    undo_until: datetime | None = None
    operator_codes: tuple[OperatorCode, ...] = ()
    rejections: tuple[Rejection, ...] = ()

    def __post_init__(self) -> None:
        """Reject an id from elsewhere.

        Raises:
            InvalidIdentifier
        """
        if self.identity_id is not None:
            require_identifier(self.identity_id)

    @property
    def expires_at(self) -> datetime | None:
        """When nothing of it counts anymore. None while it names an identity or is blocked."""
        if self.identity_id is not None or self.blocked_at is not None:
            return None
        times = [challenge.expires_at for challenge in self.challenges]
        times += [time + ONE_DAY for time in self.shared_attempts]
        if self.failures.last_failed_at:
            times.append(self.failures.last_failed_at + FAILURES_TTL)
        return max([*times, *self._expiry_times], default=_EXPIRED)

    @property
    def client_ips_expire_at(self) -> datetime | None:
        """When the first of client IPs, callbacks, rejections, hold and locale expires, if any.

        An IP of a login expires after 90 days, an IP of a delivery or a callback after one day, and
        an IP of an attempt with the code.
        """
        tried = [
            delivery.challenge_id
            for delivery in self.deliveries
            if delivery.attempts_of_unknown_ips
        ]
        tried += [
            delivery.challenge_id
            for code in self.operator_codes
            if code.counters and (delivery := self.find_delivery(code.request_id))
        ]
        times = [challenge.expires_at for challenge in self.challenges if challenge.id in tried]
        return min([*times, *self._expiry_times], default=None)

    @property
    def _expiry_times(self) -> list[datetime]:
        """When each delivery, callback, reset, rejection, trusted IP, hold and locale expires."""
        times = [delivery.expires_at for delivery in self.deliveries]
        times += [callback.requested_at + ONE_DAY for callback in self.callbacks]
        times += [requested_at + REJECTED_TTL for requested_at in self.rejected_callbacks]
        times += [reset_at + ONE_DAY for reset_at in self.limit_resets]
        times += [code.sent_at + ONE_DAY for code in self.operator_codes]
        times += [rejection.expires_at for rejection in self.rejections]
        times += [trusted.last_login_at + TRUSTED_IP_TTL for trusted in self.trusted_ips]
        times += [self.undo_until] if self.undo_until else []
        return times + ([self.call_locale.expires_at] if self.call_locale else [])

    def is_held(self, now: datetime) -> bool:
        """Return whether the phone is held for the identity that had it before."""
        return self.undo_until is not None and now < self.undo_until

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
        """Return when the client of this request can cause a delivery: now, or later."""
        return policy.earliest_request(self.prune(now)._requester(request), now)

    def request_delivery(
        self, request: OtpRequest, policy: DeliveryPolicy
    ) -> tuple["PhoneVerification", DeliveryDecision]:
        """Decide whether a code is delivered.

        - Within the cooldown nothing is sent. While a code for the same purpose and identity is
          valid, the request gets an id of its own for the latest delivery of this code, at most
          three for each delivery.
        - A resend carries the same code and does not extend its life. With less than a minute
          left a new challenge is made, and the old one stays valid to its end.
        - Operators have three codes a day, and wait for the shortest cooldown only: what others
          requested for the phone does not keep them from helping its owner.

        Raises:
            TooManyOtpRequests: nothing changed; the error says when to try again.
        """
        pruned = self.prune(request.now)
        requester = pruned._requester(request)
        wait = policy.explain(requester, request.now)
        next_request_at = wait.until
        if wait.limitation is not None:
            is_cooled_down = policy.is_cooled_down(requester, request.now)
            referred = None if is_cooled_down else pruned._refer_to_delivery(request, requester)
            if referred is None:
                retry_after = whole_seconds(request.now, next_request_at)
                raise TooManyOtpRequests(retry_after, wait.limitation.name.lower())
            delivery, challenge = referred
            return pruned.replace_delivery(delivery), DeliveryDecision(
                delivery, challenge, request.new_request_id, next_request_at, is_new=False
            )
        codes = pruned.operator_codes
        if request.is_by_operator:
            codes = pruned._add_operator_code(request)
        resendable = [
            challenge
            for challenge in pruned.challenges_like(request.new_challenge)
            if challenge.is_resendable(request.now, request.key_ids)
        ]
        challenge = resendable[-1] if resendable else request.new_challenge
        is_granted = pruned._uses_grant
        attempts = pruned._attempts_of_new_delivery(is_limited=request.is_limited)
        delivery = Delivery(
            request.new_request_id,
            challenge.id,
            request.client_ip,
            request.now,
            attempt_limit=ATTEMPTS_PER_DELIVERY if is_granted else attempts,
            device_id=requester.device_id,
            uses_own_quota=policy.uses_own_quota(requester, request.now),
            channel=request.channel,
            call_id=request.new_call_id,
            provider=request.provider,
            is_suppressed=pruned._is_suppressed(request),
            is_granted=is_granted,
        )
        successor = replace(
            pruned,
            challenges=pruned.challenges if resendable else (*pruned.challenges, challenge),
            deliveries=(*pruned.deliveries, delivery),
            operator_codes=codes,
            has_granted_delivery=pruned.has_granted_delivery and not is_granted,
        )
        decision = DeliveryDecision(
            delivery,
            challenge,
            request.new_request_id,
            policy.earliest_request(successor._requester(request), request.now),
            is_new=True,
            is_suppressed=delivery.is_suppressed,
            identity_id=self.identity_id,
        )
        return successor, decision

    def _add_operator_code(self, request: OtpRequest) -> tuple[OperatorCode, ...]:
        """Return the codes of operators with that of this request.

        Raises:
            TooManyOtpRequests
        """
        times = [code.sent_at for code in self.operator_codes]
        available_at = MAX_OPERATOR_CODES.next_available(times, request.now)
        if available_at > request.now:
            retry_after = whole_seconds(request.now, available_at)
            raise TooManyOtpRequests(retry_after, OPERATOR_CODES_LIMIT)
        code = make_operator_code(
            request.new_request_id, request.now, is_limited=request.is_limited
        )
        return (*self.operator_codes, code)

    def find_operator_code(self, now: datetime) -> tuple[OperatorCode, Delivery] | None:
        """Return the latest code of an operator if it signs in now, and its delivery."""
        if not self.operator_codes:
            return None
        latest = self.operator_codes[-1]
        delivery = self.find_delivery(latest.request_id)
        active = [challenge.id for challenge in self.active_challenges(now)]
        return (latest, delivery) if delivery and delivery.challenge_id in active else None

    def is_of_operator(self, delivery: Delivery) -> bool:
        """Return whether an operator caused a delivery, and no client."""
        return any(code.request_id == delivery.request_id for code in self.operator_codes)

    def has_failed_at_operator_code(self, delivery: Delivery, network: str) -> bool:
        """Return whether an operator caused a delivery, and attempts of a network count on it."""
        return any(
            code.request_id == delivery.request_id
            and any(counter.id == network for counter in code.counters)
            for code in self.operator_codes
        )

    @property
    def requested_deliveries(self) -> tuple[Delivery, ...]:
        """The deliveries that clients requested and a provider took."""
        return tuple(
            [
                each
                for each in self.deliveries
                if not (each.is_suppressed or each.is_rejected or self.is_of_operator(each))
            ]
        )

    def _is_suppressed(self, request: OtpRequest) -> bool:
        """Return whether nothing is sent: to a blocked phone, and to one with nothing to undo."""
        is_undo = request.purpose is Purpose.UNDO_PHONE_CHANGE
        return self.blocked_at is not None or (is_undo and not self.is_held(request.now))

    @property
    def counted_deliveries(self) -> tuple[Delivery, ...]:
        """The deliveries that count in the limits of the phone, of all purposes together."""
        return tuple([delivery for delivery in self.deliveries if not delivery.is_reset])

    def find_delivery(self, request_id: str) -> Delivery | None:
        """Return the delivery that this request caused, or None."""
        return next(
            (delivery for delivery in self.deliveries if delivery.request_id == request_id), None
        )

    def fall_back(self, request_id: str, channel: Channel, provider: str) -> "PhoneVerification":
        """Return the state of a delivery whose code goes by another channel from now on.

        Args:
            request_id: The request that caused the delivery.
            channel: The next channel.
            provider: The name of the provider that is tried first there.
        """
        delivery = self.find_delivery(request_id)
        if delivery is None:
            return self
        return self.replace_delivery(
            replace(delivery, channel=channel, provider=provider, unknown_reason=None)
        )

    def keep_result(
        self, request_id: str, channel: Channel, provider: str, unknown_reason: str | None
    ) -> "PhoneVerification":
        """Return the state after a provider took a delivery, or may have taken it.

        A result of a channel that the delivery has left changes nothing.

        Args:
            request_id: The request that caused the delivery.
            channel: The channel of the provider.
            provider: The name of the provider; empty if it is the one that was recorded.
            unknown_reason: Why the result is unknown; None if the provider took it.
        """
        delivery = self.find_delivery(request_id)
        if delivery is None or delivery.channel is not channel:
            return self
        reason = None if unknown_reason is None else unknown_reason[:MAX_REJECTION_LENGTH]
        kept = replace(delivery, provider=provider or delivery.provider, unknown_reason=reason)
        return self.replace_delivery(kept)

    def reject_delivery(self, request_id: str, provider: str, reason: str) -> "PhoneVerification":
        """Return the state after every provider rejected this delivery (see `Delivery.reject`).

        What a reset allowed, and this delivery used, is allowed again.
        """
        rejected = self.find_delivery(request_id)
        deliveries = tuple(
            delivery.reject(provider, reason) if delivery is rejected else delivery
            for delivery in self.deliveries
        )
        delivered = {delivery.challenge_id for delivery in deliveries}
        challenges = tuple(challenge for challenge in self.challenges if challenge.id in delivered)
        is_granted = rejected is not None and rejected.is_granted
        codes = tuple(
            code for code in self.operator_codes if code.counters or code.request_id != request_id
        )
        return replace(
            self,
            deliveries=deliveries,
            challenges=challenges,
            operator_codes=codes,
            has_granted_delivery=self.has_granted_delivery or is_granted,
        )

    def request_callback(
        self,
        now: datetime,
        call_id: str,
        new_challenge: Challenge,
        key_ids: Collection[str],
        *,
        is_limited: bool,
        permits: Permits | None = None,
    ) -> "PhoneVerification":
        """Return the state after the phone is to be called back with a code.

        The call reads the code of the previous callback, and does not extend its life. With less
        than a minute left, or without the key of this code, the call reads the code of the new
        challenge. A callback that is recorded already stays as it is.

        Args:
            now: when the caller asks for it.
            call_id: the id of the call.
            new_challenge: a challenge for it.
            key_ids: the keys with which codes can be derived.
            is_limited: a limit of failed attempts that many phones share is used up.
            permits: what it holds of the limits of callbacks.

        Raises:
            TooManyOtpRequests: nothing changed; the error says when to try again.
        """
        if self.find_callback(call_id):
            return self
        pruned = self.prune(now)
        times = [callback.requested_at for callback in pruned.callbacks]
        available_at = max(
            window.next_available(
                times + [*pruned.rejected_callbacks] * (window.period < ONE_DAY), now
            )
            for window in CALLBACKS_PER_PHONE
        )
        if available_at > now:
            raise TooManyOtpRequests(whole_seconds(now, available_at))
        challenges = [callback.challenge for callback in pruned.callbacks]
        resendable = (
            challenge for challenge in challenges if challenge.is_resendable(now, key_ids)
        )
        challenge = next(resendable, new_challenge)
        attempts = pruned._attempts_of_new_delivery(is_limited=is_limited)
        counter = AttemptCounter(CounterKind.CALLBACK, call_id, attempts)
        callback = Callback(challenge, now, call_id, counter, permits)
        return replace(pruned, callbacks=(*pruned.callbacks, callback))

    def find_callback(self, call_id: str) -> Callback | None:
        """Return the callback with this call, or None."""
        return next((callback for callback in self.callbacks if callback.call_id == call_id), None)

    def reject_callback(self, call_id: str) -> "PhoneVerification":
        """Return the state after the provider rejected the call of this callback.

        Only its time is kept, which counts for an hour. A callback with attempts stays, without its
        permits: otherwise these attempts would not count.
        """
        rejected = [
            callback
            for callback in self.callbacks
            if callback.call_id == call_id and not callback.counter.used
        ]
        kept = [callback for callback in self.callbacks if callback not in rejected]
        return replace(
            self,
            callbacks=tuple(
                replace(callback, permits=None) if callback.call_id == call_id else callback
                for callback in kept
            ),
            rejected_callbacks=(
                *self.rejected_callbacks,
                *(callback.requested_at for callback in rejected),
            ),
        )

    @property
    def attempts_of_next_delivery(self) -> int:
        """How many attempts the next delivery brings, while no shared limit is used up."""
        if self._uses_grant:
            return ATTEMPTS_PER_DELIVERY
        return self._attempts_of_new_delivery(is_limited=False)

    @property
    def _uses_grant(self) -> bool:
        """Whether the next delivery is one that a reset allows, with all attempts.

        Not if its attempts could lead to more failures in a row than a reset may cause.
        """
        failures = self.failures.in_a_row + ATTEMPTS_PER_DELIVERY
        return self.has_granted_delivery and failures <= MAX_FAILURES_AFTER_RESET

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
        active = {
            challenge.id: challenge
            for challenge in self.challenges_like(request.new_challenge)
            if challenge.is_active(request.now)
        }
        for delivery in reversed(self.deliveries):
            if delivery.challenge_id in active:
                if request.is_by_operator:  # nobody gets this id
                    return delivery, active[delivery.challenge_id]
                referred = delivery.add_later_request(
                    request.new_request_id, is_of_device=requester.device_id is not None
                )
                return (referred, active[delivery.challenge_id]) if referred else None
        return None

    def _requester(self, request: OtpRequest | OtpAttempt) -> Requester:
        logins = [trusted.last_login_at for trusted in self.trusted_ips_for(request.purpose)]
        deliveries = self.counted_deliveries
        if isinstance(request, OtpRequest) and request.is_by_operator:
            deliveries = deliveries[-1:]  # it starts the cooldown, and fills no window
        return Requester(
            request.client_ip,
            deliveries,
            trusted_until=self.trusted_until(request),
            device_id=self.recognize_device(request.device),
            last_login_at=max(logins, default=None),
        )

    # Attempts

    @property
    def all_challenges(self) -> tuple[Challenge, ...]:
        """The challenges of messages, then those of callbacks."""
        return (*self.challenges, *(callback.challenge for callback in self.callbacks))

    def challenges_for(
        self, purpose: Purpose, identity_id: str | None = None
    ) -> tuple[Challenge, ...]:
        """Return the challenges of messages whose codes are for this purpose and identity."""
        return tuple([each for each in self.challenges if each.is_for(purpose, identity_id)])

    def challenges_like(self, challenge: Challenge) -> tuple[Challenge, ...]:
        """Return the challenges of messages for the same purpose and identity."""
        return self.challenges_for(challenge.purpose, challenge.identity_id)

    def active_challenges(self, now: datetime) -> tuple[Challenge, ...]:
        """Return the challenges of messages whose codes sign in now, at most two."""
        of_sign_in = self.challenges_for(Purpose.SIGN_IN)
        return tuple([challenge for challenge in of_sign_in if challenge.is_active(now)])

    def find_challenge(self, challenge_id: str | None) -> Challenge | None:
        """Return the challenge of a delivery or callback with this id, or None."""
        return next((found for found in self.all_challenges if found.id == challenge_id), None)

    def comparable_challenges(
        self,
        now: datetime,
        request_id: str | None = None,
        purpose: Purpose = Purpose.SIGN_IN,
        identity_id: str | None = None,
    ) -> tuple[Challenge, ...]:
        """Return the challenges whose codes an attempt is compared with, at most four.

        Of those for its purpose and identity, these are the active ones of messages, that of the
        latest callback if it is active, and the one that was used with its request id, or else the
        one that was used last, until one minute after its code expires.
        """
        of_messages = self.challenges_for(purpose, identity_id)
        of_callbacks = [
            callback.challenge
            for callback in self.callbacks
            if callback.challenge.is_for(purpose, identity_id)
        ]
        candidates = (*of_messages, *of_callbacks[-1:])
        comparable = [challenge for challenge in candidates if challenge.is_active(now)]
        used = [
            challenge
            for challenge in (*of_messages, *of_callbacks)
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

    def trusted_ips_for(self, purpose: Purpose) -> tuple[TrustedIp, ...]:
        """Return the IPs of logins that count for codes of this purpose.

        Those of the former owner of a held phone count for an undo only.
        """
        if self.identity_id is None and purpose is not Purpose.UNDO_PHONE_CHANGE:
            return ()
        return self.trusted_ips

    def trusted_until(self, request: OtpRequest | OtpAttempt) -> datetime | None:
        """Return when the last login from this IP no longer counts, None without one."""
        for trusted in self.trusted_ips_for(request.purpose):
            if trusted.client_ip_hash == request.client_ip.ip:
                return trusted.last_login_at + TRUSTED_IP_TTL
        return None

    def replace_delivery(self, changed: Delivery) -> "PhoneVerification":
        """Return the state with this delivery in place of the one with the same request id."""
        return replace(
            self,
            deliveries=tuple(
                changed if delivery.request_id == changed.request_id else delivery
                for delivery in self.deliveries
            ),
        )

    def count_failure(
        self, device_id: str | None, now: datetime, *, is_shared: bool = False
    ) -> "PhoneVerification":
        """Return the state after a failed attempt.

        A shared one counts for all unknown IPs together.
        """
        shared_attempts = (*self.shared_attempts, now) if is_shared else self.shared_attempts
        failures = self.failures.count(device_id, now)
        return replace(self, shared_attempts=shared_attempts, failures=failures)

    def trust_ip(self, client_ip: HashedClientIp, now: datetime) -> "PhoneVerification":
        """Return the state after a login from this IP."""
        others = [trusted for trusted in self.trusted_ips if trusted.client_ip_hash != client_ip.ip]
        trusted_ips = (*others, TrustedIp(client_ip.ip, now))[-MAX_TRUSTED_IPS:]
        return replace(self, trusted_ips=trusted_ips)

    def map_challenges(self, change: Callable[[Challenge], Challenge]) -> "PhoneVerification":
        """Return the state with each challenge of messages and callbacks changed by a function.

        It is the same object if none is changed.
        """
        challenges = tuple([change(challenge) for challenge in self.challenges])
        callbacks = tuple(
            [replace(callback, challenge=change(callback.challenge)) for callback in self.callbacks]
        )
        if (challenges, callbacks) == (self.challenges, self.callbacks):
            return self
        return replace(self, challenges=challenges, callbacks=callbacks)

    # Operators and cleanup

    def change_owner(
        self, identity_id: str | None, *, by_login: bool = False
    ) -> "PhoneVerification":
        """Return the state of a phone that belongs to another identity from now on, or to none.

        The IPs of the former owner are not trusted anymore, and the locale that the former owner
        chose is not kept, nor are the rejections and the claims of a login. Deliveries, failures
        and a block stay.

        Args:
            identity_id: the new owner, None for none.
            by_login: a login changes the owner, so the latest IP is that of the new one.
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
            previous_identity_id=None,
            undo_until=None,
        )

    def import_owner(self, identity_id: str) -> "PhoneVerification":
        """Return the state of a phone that an import gives to an identity."""
        return replace(self.change_owner(identity_id), imported_id=identity_id)

    def release(
        self, previous_identity_id: str, undo_until: datetime | None, now: datetime
    ) -> "PhoneVerification":
        """Return the state of a phone whose identity has another phone now.

        It has no codes and no locale of its former owner. Deliveries, attempts, failures and a
        block stay. So do trusted IPs while it is held: strangers cannot use up the messages with
        which the owner undoes the change.

        Args:
            previous_identity_id: The identity.
            undo_until: Until when it may get the phone back, None if it may not.
            now: When it is released.
        """
        without_codes = self.map_challenges(
            lambda challenge: challenge if challenge.used_at else challenge.mark_used(now)
        )
        return replace(
            without_codes.change_owner(None),
            challenges=(),
            trusted_ips=self.trusted_ips if undo_until else (),
            previous_identity_id=previous_identity_id if undo_until else None,
            undo_until=undo_until,
        )

    def end_hold(self) -> "PhoneVerification":
        """Return the state of a phone that anybody may get from now on."""
        trusted_ips = self.trusted_ips if self.identity_id else ()
        return replace(self, previous_identity_id=None, undo_until=None, trusted_ips=trusted_ips)

    def move_login(self, challenge_id: str, identity_id: str) -> "PhoneVerification":
        """Return the state with the login of this challenge at another identity."""
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

        - The next delivery has all attempts, also after many failures.
        - Failures in a row stay: only the owner's success resets them (NIST SP 800-63B-4 §3.2.2).
        - Deliveries with their attempts stay too, so nobody gets more attempts at a code.

        Raises:
            TooManyResets: twice within a day; the error says when to try again.
        """
        pruned = self.prune(now)
        if len(pruned.limit_resets) >= MAX_RESETS_A_DAY:
            next_reset_at = pruned.limit_resets[-MAX_RESETS_A_DAY] + ONE_DAY
            raise TooManyResets(whole_seconds(now, next_reset_at))
        return replace(
            pruned,
            deliveries=tuple(replace(delivery, is_reset=True) for delivery in pruned.deliveries),
            limit_resets=(*pruned.limit_resets, now),
            has_granted_delivery=True,
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
        return replace(pruned, rejections=keep_latest([*pruned.rejections, *rejections]))

    def stop_counting(self, request_id: str) -> "PhoneVerification":
        """Return the state whose limits and cooldown no longer count what this request caused."""
        delivery = self.find_delivery(request_id)
        return self.replace_delivery(replace(delivery, is_reset=True)) if delivery else self

    def prune(self, now: datetime) -> "PhoneVerification":
        """Return the state without what expired and what lies in the future of any clock."""
        latest, since_day = now + CLOCK_SKEW, now - ONE_DAY
        locale = self.call_locale
        challenges = tuple(
            challenge
            for challenge in self.challenges
            if now < challenge.retained_until and challenge.created_at <= latest
        )
        current = [challenge.id for challenge in challenges if now < challenge.expires_at]
        resets = tuple(time for time in self.limit_resets if since_day < time <= latest)
        deliveries = tuple(
            delivery if delivery.challenge_id in current else delivery.keep_request_ids()
            for delivery in self.deliveries
            if now < delivery.expires_at and delivery.sent_at <= latest
        )
        with_counters = [each.request_id for each in deliveries if each.challenge_id in current]
        return replace(
            self,
            challenges=challenges,
            deliveries=deliveries,
            operator_codes=tuple(
                code if code.request_id in with_counters else replace(code, counters=())
                for code in self.operator_codes
                if since_day < code.sent_at <= latest
            ),
            shared_attempts=tuple(
                time for time in self.shared_attempts if since_day < time <= latest
            ),
            failures=self.failures.prune(now),
            trusted_ips=tuple(
                trusted
                for trusted in self.trusted_ips
                if now - TRUSTED_IP_TTL < trusted.last_login_at <= latest
                and (self.identity_id is not None or self.is_held(now))
            ),
            callbacks=tuple(
                callback.prune(now)
                for callback in self.callbacks
                if since_day < callback.requested_at <= latest
            ),
            rejected_callbacks=tuple(
                time for time in self.rejected_callbacks if now - REJECTED_TTL < time <= latest
            ),
            call_locale=locale if locale and now < locale.expires_at else None,
            limit_resets=resets,
            rejections=tuple(
                rejection
                for rejection in self.rejections
                if now < rejection.expires_at and rejection.at <= latest
            ),
            has_granted_delivery=self.has_granted_delivery and bool(resets),
            previous_identity_id=self.previous_identity_id if self.is_held(now) else None,
            undo_until=self.undo_until if self.is_held(now) else None,
        )

    def drop_client_ips(self) -> "PhoneVerification":
        """Return the state without client IPs, and without the codes that were sent to them."""
        return replace(
            self,
            challenges=(),
            deliveries=(),
            operator_codes=tuple(replace(code, counters=()) for code in self.operator_codes),
            trusted_ips=(),
        )
