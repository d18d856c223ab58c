"""Run random operations on a PhoneVerification and on its model, and compare the results."""

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempts import Correct, Repeated, Retried, Unchallenged, Wrong
from domain.otp.callback import Callback
from domain.otp.challenge import MAX_COMPARABLE_CHALLENGES
from domain.otp.delivery import DeviceProof
from tests.support.builders import NOW
from tests.support.examples import examples
from tests.unit.domain.otp.phone_verification_model import (
    ModelAttempt,
    ModelDelivery,
    PhoneVerificationModel,
    becomes_true_after,
)
from tests.unit.domain.otp.verification_driver import (
    DEVICE,
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    attempts_left_of_callback,
    can_log_in,
    code_of,
    unknown_ip,
)

OTHER_DEVICE: Final = DeviceProof("another-device", DEVICE.identity_id)
NEIGHBORS: Final = ("203.0.113.8", "2001:db8:1:7::/64")
CLIENT_IPS: Final = st.sampled_from(
    [HOME_IP, HOME_IP, WORK_IP, unknown_ip(1), unknown_ip(2), *NEIGHBORS]
)
SECONDS: Final = st.sampled_from(
    [1, 4, 9, 10, 14, 15, 16, 29, 30, 45, 59, 60, 61, 120, 239, 240, 241, 285, 299, 300, 301, 600]
)
MINUTES: Final = st.sampled_from([15, 30, 59, 60, 61, 90, 240, 720, 1380, 1439, 1440, 129_600])


class PhoneVerificationMachine(RuleBasedStateMachine):
    """One phone. `now` is in seconds since the machine started."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = VerificationDriver()
        self.model = PhoneVerificationModel()
        self.now = 0
        self.untried: ModelDelivery | None = None

    # Rules for time and operators

    @rule(seconds=SECONDS | MINUTES.map(lambda minutes: minutes * 60))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.driver.wait(seconds)

    @rule(device=st.sampled_from([None, DEVICE, DEVICE, OTHER_DEVICE]))
    def send_device_token(self, device: DeviceProof | None) -> None:
        self.driver.device = device

    @rule(is_limited=st.booleans())
    def use_up_limit_of_failed_attempts(self, is_limited: bool) -> None:
        self.driver.is_limited = is_limited

    @rule(is_blocked=st.booleans())
    def block_or_unblock(self, is_blocked: bool) -> None:
        before = self.driver.verification
        after = before.block(self.driver.now) if is_blocked else before.unblock()
        self.driver.verification, self.model.is_blocked = after, is_blocked

    # Rules for requests

    @initialize(client_ip=CLIENT_IPS)
    def log_in(self, client_ip: str) -> None:
        self.compare_request(client_ip)
        self.compare_attempt(self.model.challenges[-1].code, client_ip, None)

    @rule(client_ip=CLIENT_IPS, times=st.integers(1, 4))
    def request_codes_as_soon_as_allowed(self, client_ip: str, times: int) -> None:
        for _ in range(times):
            self.request_as_soon_as_allowed(client_ip)

    @rule(first=st.integers(10, 500), ips=st.integers(2, 6))
    def unknown_ips_request_codes_as_soon_as_allowed(self, first: int, ips: int) -> None:
        for number in range(first, first + ips):
            self.request_as_soon_as_allowed(unknown_ip(number))

    @rule(client_ip=CLIENT_IPS, times=st.integers(1, 4))
    def request_codes_at_once(self, client_ip: str, times: int) -> None:
        for _ in range(times):
            self.compare_request(client_ip)

    @precondition(lambda self: self.untried is not None)
    @rule()
    def reject_latest_delivery(self) -> None:
        assert self.untried is not None
        self.driver.verification = self.driver.verification.reject_delivery(self.untried.request_id)
        self.model.reject_delivery(self.untried)
        self.untried = None

    # Rules for callbacks

    @rule()
    def call_back(self) -> None:
        if not self.model.allows_callback(self.now):
            before = self.driver.verification
            with pytest.raises(TooManyOtpRequests) as error:
                self.driver.call_back()
            assert self.driver.verification is before
            seconds = error.value.retry_after
            assert becomes_true_after(self.model.allows_callback, self.now, seconds)
            return
        callback, is_limited = self.driver.call_back(), self.driver.is_limited
        expected = self.model.call_back(
            self.now, code_of(callback.challenge), is_limited=is_limited
        )
        assert code_of(callback.challenge) == expected.challenge.code
        expires_at = NOW + timedelta(seconds=expected.challenge.expires_at)
        assert callback.challenge.expires_at == expires_at
        assert callback.counter.limit == expected.counter.limit

    @precondition(lambda self: self.model.callbacks and not self.model.callbacks[-1].counter.used)
    @rule()
    def reject_latest_callback(self) -> None:
        callbacks = self.driver.verification.callbacks
        if callbacks and not callbacks[-1].counter.used and not callbacks[-1].challenge.used_at:
            self.driver.verification = self.driver.verification.reject_callback(
                callbacks[-1].call_id
            )
            self.model.reject_callback()

    # Rules for attempts

    @rule(data=st.data(), client_ip=CLIENT_IPS, times=st.integers(1, 6))
    def guess(self, data: st.DataObject, client_ip: str, times: int) -> None:
        request_id = self.draw_request_id(data)
        for _ in range(times):
            self.compare_attempt(self.wrong_code(), client_ip, request_id)

    @rule(client_ip=CLIENT_IPS, seconds=st.sampled_from([0, 3, 9, 10]), times=st.integers(2, 3))
    def repeat_a_guess(self, client_ip: str, seconds: int, times: int) -> None:
        code = self.wrong_code()
        for _ in range(times):
            self.compare_attempt(code, client_ip, None)
            self.wait(seconds)

    @rule(first=st.integers(10, 500), ips=st.integers(3, 16) | st.integers(40, 60))
    def unknown_ips_guess(self, first: int, ips: int) -> None:
        for number in range(first, first + ips):
            self.compare_attempt(self.wrong_code(), unknown_ip(number), None)

    @precondition(lambda self: self.model.challenges or self.model.callbacks)
    @rule(data=st.data(), client_ip=CLIENT_IPS)
    def verify_code(self, data: st.DataObject, client_ip: str) -> None:
        of_callback = [callback.challenge for callback in self.model.callbacks[-1:]]
        challenge = data.draw(st.sampled_from(self.model.challenges[-3:] + of_callback))
        self.compare_attempt(challenge.code, client_ip, self.draw_request_id(data))

    @precondition(lambda self: self.model.deliveries)
    @rule(client_ip=CLIENT_IPS)
    def verify_latest_delivery(self, client_ip: str) -> None:
        delivery = self.model.deliveries[-1]
        self.compare_attempt(delivery.challenge.code, client_ip, delivery.request_id)

    # Invariants

    @invariant()
    def few_challenges_are_active_and_compared(self) -> None:
        assert len(self.driver.verification.active_challenges(self.driver.now)) <= 2
        comparable = self.driver.verification.comparable_challenges(self.driver.now)
        assert len(comparable) <= MAX_COMPARABLE_CHALLENGES

    @invariant()
    def the_latest_callback_has_the_attempts_of_the_model(self) -> None:
        for callback in self.model.callbacks[-1:]:
            if self.now < callback.challenge.expires_at:
                assert attempts_left_of_callback(self.driver) == callback.counter.left

    @invariant()
    def active_challenges_are_those_of_the_model(self) -> None:
        active = self.driver.verification.active_challenges(self.driver.now)
        assert [code_of(challenge) for challenge in active] == [
            challenge.code
            for challenge in self.model.challenges
            if self.model.is_active(challenge, self.now)
        ]

    # Comparing requests

    @property
    def device(self) -> str | None:
        """The id of the device whose token is sent, if any."""
        return self.driver.device.device_id if self.driver.device else None

    def compare_request(self, client_ip: str) -> int:
        """Request a code and return the seconds to wait, 0 if it caused a delivery."""
        before = self.driver.verification
        allows_delivery = self.model.allows_delivery(client_ip, self.now, self.device)
        try:
            decision = self.driver.request(client_ip)
        except TooManyOtpRequests as error:
            assert not allows_delivery
            assert self.model.refer("rejected", client_ip, self.now, self.device) is None
            assert self.driver.verification is before
            self.assert_next_request_after(error.retry_after, client_ip)
            return error.retry_after
        seconds = (decision.next_request_at - self.driver.now) // timedelta(seconds=1)
        assert decision.is_new == allows_delivery
        assert decision.is_suppressed == (decision.is_new and self.model.is_blocked)
        expected: ModelDelivery | None
        if decision.is_new:
            code, is_limited = code_of(decision.challenge), self.driver.is_limited
            expected = self.model.deliver(
                decision.request_id, client_ip, self.now, code,
                device=self.device, is_limited=is_limited,
            )  # fmt: skip
            assert decision.delivery.uses_own_quota == expected.uses_own_quota
            self.untried = expected
        else:
            expected = self.model.refer(decision.request_id, client_ip, self.now, self.device)
            assert expected is not None
        assert decision.delivery.request_id == expected.request_id
        assert code_of(decision.challenge) == expected.challenge.code
        expires_at = NOW + timedelta(seconds=expected.challenge.expires_at)
        assert decision.challenge.expires_at == expires_at
        self.assert_next_request_after(seconds, client_ip)
        return 0 if decision.is_new else seconds

    def request_as_soon_as_allowed(self, client_ip: str) -> None:
        if seconds := self.compare_request(client_ip):
            self.wait(seconds)
            assert self.compare_request(client_ip) == 0

    def assert_next_request_after(self, seconds: int, client_ip: str) -> None:
        def allows_delivery(time: float) -> bool:
            return self.model.allows_delivery(client_ip, time, self.device)

        assert becomes_true_after(allows_delivery, self.now, seconds)

    # Comparing attempts

    def compare_attempt(self, code: str, client_ip: str, request_id: str | None) -> None:
        before = self.driver.verification
        attempt = ModelAttempt(code, client_ip, request_id, self.device, self.driver.is_limited)
        is_challenged = self.model.is_challenged(self.now)
        attempts_left = self.model.attempts_left(attempt, self.now)
        is_retry = self.model.is_retry(attempt, self.now)
        matches_callback = self.model.matches_callback(attempt, self.now)
        try:
            result = self.driver.verify(code, client_ip, request_id)
        except TooManyAttempts as error:
            assert attempts_left == 0
            assert not matches_callback
            # Nothing depends on the callback, but it is counted.
            self.assert_next_attempt_after(error.retry_after, attempt)
            is_counted = self.model.count_on_callback(attempt, self.now)
            assert (self.driver.verification is not before) == is_counted
            return
        is_correct = isinstance(result, Correct)
        assert can_log_in(result) == (is_correct or is_retry)
        is_callback = isinstance(result, Correct) and isinstance(result.code.carrier, Callback)
        assert is_callback == matches_callback
        if matches_callback:
            self.model.use_callback(attempt, self.now)
            return
        if not is_challenged:
            assert isinstance(result, Unchallenged)
            is_counted = self.model.count_on_callback(attempt, self.now)
            assert (self.driver.verification is not before) == is_counted
            return
        assert attempts_left > 0
        failures = self.model.failures
        expected = self.model.verify(attempt, self.now)
        if expected is not None:
            is_failure_counted = self.model.failures > failures
            self.model.count_on_callback(attempt, self.now, is_failure_counted=is_failure_counted)
        assert is_correct == (expected is None)
        assert isinstance(result, Correct | Retried | Wrong | Repeated)
        assert result.attempts_left == (attempts_left - 1 if expected is None else expected)
        if self.driver.verification is not before:
            self.untried = None

    def assert_next_attempt_after(self, seconds: int, attempt: ModelAttempt) -> None:
        def allows_attempt(time: float) -> bool:
            return not self.model.is_challenged(time) or self.model.attempts_left(attempt, time) > 0

        assert becomes_true_after(allows_attempt, self.now, seconds)

    # Drawing

    def draw_request_id(self, data: st.DataObject) -> str | None:
        """Draw an id that refers to one of the latest deliveries, an unknown one, or none."""
        ids = [request_id for delivery in self.model.deliveries[-4:] for request_id in delivery.ids]
        return data.draw(st.none() | st.sampled_from([*ids, "unknown"]))

    def wrong_code(self) -> str:
        return str(next(self.driver.wrong_codes))


@pytest.mark.hypothesis
def test_a_phone_verification_behaves_like_its_model() -> None:
    run_state_machine_as_test(
        PhoneVerificationMachine,
        settings=settings(
            max_examples=examples(40),
            stateful_step_count=40,
            # Shrinking a failure takes minutes. Add Phase.shrink to find the shortest one.
            phases=[Phase.generate],
        ),
    )
