"""The check of one attempt: on whom it counts, and whether its code is correct."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.otp.attempts import (
    Correct,
    CorrectAtBlockedPhone,
    Exhausted,
    Failures,
    LoginDecision,
    LoginRejection,
    OtpAttempt,
    Retried,
    UsedCode,
    VerificationResult,
    Wrong,
)
from domain.otp.challenge import OTHERS, Challenge, Client, ClientKind, Login, Purpose
from domain.otp.phone_verification import PhoneVerification, RecognizedClient

DeriveCodes = Callable[[Sequence[Challenge]], Mapping[str, str]]
"""Returns the codes of challenges by their ids, and perhaps more, which match no challenge."""


@dataclass(frozen=True, slots=True)
class ComparedCode:
    """An attempt that was compared with the codes of a phone. Nothing is counted yet.

    Attributes:
        left: How many attempts that client has, with this one.
        is_echo: It has the wrong code again that this client tried last.
        match: The challenge whose code it has; None if the code is wrong, or not looked at.
    """

    attempt: OtpAttempt
    state: PhoneVerification
    recognized: RecognizedClient
    challenge: Challenge | None = None
    client: Client = OTHERS
    left: int = 0
    is_echo: bool = False
    match: Challenge | None = None

    @property
    def has_own_attempts(self) -> bool:
        """Whether others cannot use up the client's attempts."""
        is_named = self.challenge is not None and self.attempt.request_id is not None
        is_of_token = self.attempt.purpose is Purpose.VERIFICATION
        return is_named or is_of_token or self.recognized.device_id is not None

    @property
    def is_guess_of_others(self) -> bool:
        return self.client == OTHERS and self.left > 0 and not self.is_echo

    @property
    def is_phone_blocked(self) -> bool:
        """Whether no code signs in. Codes for other purposes do not depend on a block."""
        return self.state.is_blocked and self.attempt.purpose is Purpose.SIGN_IN

    @property
    def correct_code(self) -> UsedCode | None:
        """The code as it would be used; None unless it is correct and was not used."""
        match, attempt = self.match, self.attempt
        if match is None or match.used_at is not None:
            return None
        login = Login("", "", attempt.request_id)
        if attempt.purpose is Purpose.SIGN_IN:
            identity_id = self.state.identity_id or attempt.new_identity_id
            login = Login(identity_id, attempt.new_session_id, attempt.request_id)
        elif attempt.purpose is Purpose.CHANGE_PHONE:
            login = Login(attempt.bound_to or "", "", attempt.request_id)
        return self._describe(match.mark_used(attempt.now, login), login)

    @property
    def is_retry(self) -> bool:
        """Whether the client that used the code sends it again.

        It shows that by the id that it used the code with or, for a sign-in without an id, as a
        recognized client.
        """
        match, attempt = self.match, self.attempt
        if match is None or match.used_at is None:
            return False
        is_known = attempt.request_id is None and not self.recognized.is_stranger
        is_sign_in = attempt.purpose is Purpose.SIGN_IN
        return match.was_used_with(attempt.request_id) or (is_sign_in and is_known)

    @property
    def retried_code(self) -> UsedCode | None:
        """The code of a retry; None without one, and if the code logged nobody in."""
        if not self.is_retry or self.match is None or self.match.login is None:
            return None
        is_sign_in = self.attempt.purpose is Purpose.SIGN_IN
        if is_sign_in and self.match.login.identity_id != self.state.identity_id:
            return None
        return self._describe(self.match, self.match.login)

    def _describe(self, challenge: Challenge, login: Login) -> UsedCode:
        deliveries = self.state.deliveries.of_challenge(challenge.id)
        request_id = self.attempt.request_id
        named = [delivery for delivery in deliveries if request_id and delivery.has_id(request_id)]
        return UsedCode(
            challenge,
            login,
            carrier=(named or deliveries)[-1],
            is_device_recognized=self.recognized.device_id is not None,
            deliveries=tuple(deliveries),
        )


def compare_code(
    verification: PhoneVerification, attempt: OtpAttempt, derive_codes: DeriveCodes
) -> ComparedCode:
    """Compare the code of an attempt with those of a phone. It counts nothing.

    - With a request id only the code of that request is correct (ASVS 5.0 6.6.2), and with an
      unknown one no code is. Without an id every active code for the purpose is.
    - No correct code passes a counter that is used up.
    """
    state = verification.prune(attempt.now)
    recognized = state.recognize(attempt)
    candidates = state.find_candidates(attempt)
    # All are compared, even where they may not match, so that the time reveals nothing.
    equal = [
        challenge_id
        for challenge_id, code in derive_codes(candidates).items()
        if hmac.compare_digest(code, attempt.code.digits)
    ]
    if not candidates:
        return ComparedCode(attempt, state, recognized)
    challenge = _find_counting(state, attempt, candidates)
    client = _find_client(state, attempt, recognized, challenge)
    counter = challenge.find_counter(client)
    left = state.attempts_left(client, challenge, recognized)
    match = next((candidate for candidate in candidates if left and candidate.id in equal), None)
    # A code that was wrong with the id of another one is right without an id.
    is_echo = (
        match is None
        and counter is not None
        and counter.is_repeat(attempt.digest(challenge.id), attempt.now)
    )
    return ComparedCode(attempt, state, recognized, challenge, client, left, is_echo, match)


def _find_counting(
    state: PhoneVerification, attempt: OtpAttempt, candidates: Sequence[Challenge]
) -> Challenge:
    """Return the code that an attempt counts at: the latest that its network requested.

    Without such a code it is the latest, and a used one only if no code is active.
    """
    for challenge in [candidate for candidate in candidates if candidate.used_at is None]:
        deliveries = state.deliveries.of_challenge(challenge.id)
        if any(delivery.is_of_network(attempt.client_ip.network) for delivery in deliveries):
            return challenge
    return candidates[0]


def _find_client(
    state: PhoneVerification,
    attempt: OtpAttempt,
    recognized: RecognizedClient,
    challenge: Challenge,
) -> Client:
    network = Client(ClientKind.NETWORK, attempt.client_ip.network)
    if recognized.device_id is not None:
        return Client(ClientKind.DEVICE, recognized.device_id)
    if (request_id := attempt.request_id) is not None:
        delivery = state.deliveries.find(request_id)
        joined = delivery.find_joined(request_id) if delivery else None
        if joined is not None and recognized.is_stranger and state.failures.has_fewer_attempts:
            # Otherwise the ids of requests that cause no message would bring further guesses.
            return Client(ClientKind.NETWORK, joined.network)
        return Client(ClientKind.REQUEST, request_id)
    if not recognized.is_stranger:
        return Client(ClientKind.KNOWN_IP, recognized.id)
    deliveries = state.deliveries.of_challenge(challenge.id)
    return network if any(each.is_of_network(network.id) for each in deliveries) else OTHERS


def count_attempt(
    verification: PhoneVerification, compared: ComparedCode, decision: LoginDecision | None = None
) -> tuple[PhoneVerification, VerificationResult]:
    """Use a correct code, or count the attempt.

    - The same wrong code that a client sends again within ten seconds gets the same answer, and is
      not counted again. Neither is a code that was just used.
    - While a login can be repeated its code counts attempts: others would guess it. Clients are
      told that none is left.
    """
    challenge, attempt = compared.challenge, compared.attempt
    if challenge is None:
        return verification, Wrong(0, has_ended=True)
    is_active = challenge.used_at is None
    if compared.is_echo:
        left = compared.left if is_active else 0
        return verification, Wrong(left, has_ended=not is_active)
    if not compared.left and attempt.purpose is Purpose.VERIFICATION:
        return verification, Wrong(0, has_ended=not is_active)
    if not compared.left:
        return verification, Exhausted(challenge.retained_until)
    if (code := compared.correct_code) is not None:
        return _use(compared, code, decision)
    if compared.is_retry and compared.is_phone_blocked:
        return verification, CorrectAtBlockedPhone()
    if compared.match is not None:
        retried = compared.retried_code
        return verification, Retried(retried) if retried else Wrong(0, has_ended=True)
    counted = challenge.count(compared.client, attempt.digest(challenge.id), attempt.now)
    successor = replace(
        compared.state.map_challenges(lambda each: counted if each.id == counted.id else each),
        failures=_count_failure(compared),
    )
    left = (
        successor.attempts_left(compared.client, counted, compared.recognized) if is_active else 0
    )
    return successor, Wrong(left, is_counted=True, has_ended=not is_active)


def _count_failure(compared: ComparedCode) -> Failures:
    failures, attempt = compared.state.failures, compared.attempt
    if attempt.purpose is Purpose.VERIFICATION:
        return failures.count_of_token(attempt.bound_to or "", attempt.now)
    return failures.count(compared.recognized.id, attempt.now)


def _end_failures(state: PhoneVerification, attempt: OtpAttempt) -> Failures:
    if attempt.purpose is Purpose.VERIFICATION:
        return state.failures.end_of_token(attempt.bound_to or "")
    device_ids = [attempt.device.device_id] if attempt.device else []
    return state.failures.end(attempt.client_ip.ip, *device_ids)


def _use(
    compared: ComparedCode, code: UsedCode, decision: LoginDecision | None
) -> tuple[PhoneVerification, VerificationResult]:
    """Use the code. Only a sign-in makes the phone trust the IP, and assigns its identity.

    A rejected sign-in, and one at a blocked phone, does neither: its login has no identity, so that
    no retry completes it.
    """
    attempt, state = compared.attempt, compared.state
    if compared.is_phone_blocked or isinstance(decision, LoginRejection):
        code = code.with_login(Login("", "", attempt.request_id))
    elif attempt.purpose is Purpose.SIGN_IN:
        if decision is not None:
            code = code.with_login(replace(code.login, claims=decision.claims))
        if not state.identity_id:
            state = state.change_owner(code.login.identity_id)
        state = state.trust_ip(attempt.client_ip, attempt.now)
    used = code.challenge
    successor = replace(
        state.map_challenges(lambda each: used if each.id == used.id else each),
        deliveries=state.deliveries.settle(used.id),
        failures=_end_failures(state, attempt),
    )
    return successor, CorrectAtBlockedPhone() if compared.is_phone_blocked else Correct(code)
