"""Run random operations on a PhoneVerification, and check what is true of any phone.

Each figure of a response is compared with what copies of the phone do: one that waits as long, one
that uses up the attempts, one that is blocked.
"""

from collections.abc import Callable
from dataclasses import replace
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
from domain.otp.attempts import Correct, OfBlockedPhone, VerificationResult, Wrong
from domain.otp.challenge import MAX_ACTIVE_CHALLENGES, MAX_COMPARABLE_CHALLENGES
from domain.otp.code_check import CodeCheck
from domain.otp.delivery import ValidDeviceToken
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.failures import FAILURES_BEFORE_FEWER_ATTEMPTS
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW
from tests.support.examples import examples
from tests.unit.domain.otp.phone_history import DAY, HOUR, Client, CodeUse, Message, PhoneHistory
from tests.unit.domain.otp.verification_driver import (
    DEVICE,
    HOME_IP,
    IDENTITY_ID,
    WORK_IP,
    VerificationDriver,
    attempts_left,
    can_log_in,
    code_of,
    unknown_ip,
)

pytestmark = pytest.mark.slow

OWNERS: Final = (Client(HOME_IP), Client(WORK_IP, DEVICE.device_id), Client(WORK_IP, "another"))
STRANGERS: Final = [Client(unknown_ip(1)), Client("2001:db8:1:7::/64"), Client("203.0.113.8")]
CLIENTS: Final = st.sampled_from([OWNERS[0], *OWNERS, *STRANGERS])
FIRST_STRANGERS: Final = st.integers(10, 500)
SECONDS: Final = st.sampled_from([1, 4, 9, 10, 14, 15, 16, 30, 59, 60, 61, 239, 240, 241, 299, 300])
TRUSTED_PERIOD: Final = 90 * DAY
MINUTES: Final = st.sampled_from([15, 30, 59, 60, 61, 90, 240, 720, 1380, 1439, 1440, 129_600])


class PhoneVerificationMachine(RuleBasedStateMachine):
    """One phone. `ids` are the request ids that each client got."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = VerificationDriver()
        self.history = PhoneHistory()
        self.ids: dict[Client, list[str]] = {}
        self.untried: Message | None = None
        self.checked = self.driver.verification

    @property
    def now(self) -> float:
        """Seconds since the machine started."""
        return (self.driver.now - NOW).total_seconds()

    # Time and operators

    @rule(seconds=SECONDS | MINUTES.map(lambda minutes: minutes * 60))
    def wait(self, seconds: int) -> None:
        self.driver.wait(seconds)

    @rule(is_blocked=st.sampled_from([True, False, False]))
    def block_or_unblock(self, is_blocked: bool) -> None:
        self.driver.verification = set_block(self.driver, is_blocked).verification
        self.history.is_blocked = is_blocked

    # Requests

    @initialize(client=CLIENTS)
    def log_in_first(self, client: Client) -> None:
        self.log_in(client)

    @rule(client=CLIENTS)
    def log_in(self, client: Client) -> None:
        self.request_as_soon_as_allowed(client, 1)
        latest = self.history.messages[-1]
        self.verify(client, latest.code, latest.request_id)

    @rule(client=CLIENTS, times=st.integers(1, 4))
    def request_at_once(self, client: Client, times: int) -> None:
        for _ in range(times):
            self.request(client)

    @rule(client=CLIENTS, times=st.integers(1, 4))
    def request_as_soon_as_allowed(self, client: Client, times: int) -> None:
        for _ in range(times):
            if seconds := self.request(client):
                self.wait(seconds)
                assert self.request(client) == 0

    @rule(first=FIRST_STRANGERS, clients=st.integers(2, 6))
    def strangers_request_as_soon_as_allowed(self, first: int, clients: int) -> None:
        for number in range(first, first + clients):
            self.request_as_soon_as_allowed(Client(unknown_ip(number)), 1)

    @precondition(lambda self: self.untried is not None)
    @rule()
    def reject_latest_delivery(self) -> None:
        assert self.untried is not None
        assert self.untried.request_id is not None
        self.driver.reject(self.untried.request_id)
        self.history.remove_message(self.untried)
        self.untried = None

    def request(self, client: Client) -> int:
        """Request a code, and return the seconds to wait, 0 if a message is sent."""
        driver = self.driver
        driver.device, before = device_of(client), driver.verification
        is_owner = self.history.is_owner(client)
        blocked = set_block(driver, not self.history.is_blocked)
        decision, seconds = decide(driver, client)
        if not is_owner and self.history.logins:  # strangers see no block of an account
            assert decide(blocked, client)[1] == seconds
        self.check_wait(seconds, lambda copy: is_sent(copy, client))
        if decision is None:
            assert driver.verification is before
            return seconds
        self.ids.setdefault(client, []).append(decision.request_id)
        self.history.ids.add(decision.request_id)
        if decision.is_new:
            code = code_of(decision.challenge)
            self.untried = Message(code, self.now, client, is_owner, decision.request_id)
            self.history.add_message(self.untried)
        return 0 if decision.is_new else seconds

    # Attempts

    @rule(data=st.data(), client=CLIENTS, times=st.integers(1, 6))
    def guess(self, data: st.DataObject, client: Client, times: int) -> None:
        request_id = self.draw_request_id(data, client)
        for _ in range(times):
            self.verify(client, self.wrong_code(), request_id)

    @rule(client=CLIENTS, seconds=st.sampled_from([0, 3, 9, 10]))
    def repeat_a_guess(self, client: Client, seconds: int) -> None:
        code = self.wrong_code()
        for _ in range(3):
            self.verify(client, code, None)
            self.wait(seconds)

    @rule(first=FIRST_STRANGERS, clients=st.integers(3, 16) | st.integers(40, 60))
    def strangers_guess(self, first: int, clients: int) -> None:
        for number in range(first, first + clients):
            self.verify(Client(unknown_ip(number)), self.wrong_code(), None)

    @precondition(lambda self: self.history.codes)
    @rule(data=st.data(), client=CLIENTS)
    def verify_any_code(self, data: st.DataObject, client: Client) -> None:
        code = data.draw(st.sampled_from(self.history.codes))
        self.verify(client, code, self.draw_request_id(data, client))

    @precondition(lambda self: self.history.messages)
    @rule(client=CLIENTS)
    def verify_latest_message(self, client: Client) -> None:
        latest = self.history.messages[-1]
        self.verify(client, latest.code, latest.request_id)

    def verify(self, client: Client, code: str, request_id: str | None) -> None:
        driver, attempt = self.driver, CodeUse(code, self.now, client, request_id)
        driver.device, before = device_of(client), driver.verification
        is_wrong = code not in self.history.codes
        result = verify(driver, attempt)
        if is_wrong and not self.history.is_owner(client):
            copy = replace(driver, verification=before)
            twin = set_block(copy, not self.history.is_blocked)  # strangers do not see a block
            assert response_of(verify(twin, attempt)) == response_of(result)
        if isinstance(result, int):
            assert driver.verification is before
            earlier = [self.driver.copy(after=seconds) for seconds in (result - 1, result // 2)]
            assert all(isinstance(verify(copy, attempt), int) for copy in earlier if result > 1)
        elif isinstance(result, Correct):
            self.check_single_use(before, attempt)
            self.history.add_login(attempt)
        elif isinstance(result, OfBlockedPhone):
            self.history.add_use_while_blocked(attempt)
        elif can_log_in(result):
            self.history.check_repeated_login(attempt)
        else:
            assert isinstance(result, Wrong)
            self.history.add_failure(attempt, is_counted=result.is_counted)
            if is_wrong:
                self.check_attempts_left(result.attempts_left, attempt)
        if driver.verification is not before:
            self.untried = None

    # What is always true

    @invariant()
    def few_challenges_are_active_and_compared(self) -> None:
        verification, now = self.driver.verification, self.driver.now
        assert len(verification.challenges.active(now)) <= MAX_ACTIVE_CHALLENGES
        compared = verification.find_comparable(self.driver.check().attempt)
        assert len(compared) <= MAX_COMPARABLE_CHALLENGES

    @invariant()
    def the_owner_logs_in_within_an_hour(self) -> None:
        """With a device, or at an IP of a login. Strangers can do nothing about it."""
        if self.driver.verification is self.checked:
            return
        self.checked = self.driver.verification
        for client in OWNERS[:2]:
            owner = set_block(self.driver, is_blocked=False)
            owner.device = device_of(client)
            is_known = self.history.has_login_within(TRUSTED_PERIOD - HOUR, client, self.now)
            is_recognized = not owner.check(client_ip=client.ip).recognized.is_stranger
            if is_recognized and (is_known or client.device_id):
                decision = owner.deliver(client.ip)
                assert owner.now <= self.driver.copy(after=HOUR).now
                assert owner.accepts(code_of(decision.challenge), client.ip)

    def check_single_use(self, before: PhoneVerification, login: CodeUse) -> None:
        """Check that the code logs in nobody else now, and did not with the id of another one."""
        other = replace(self.driver, device=None)
        result = verify(other, CodeUse(login.code, self.now, Client(unknown_ip(999))))
        assert isinstance(result, int) or not can_log_in(result)
        for request_id in ["unknown", *self.history.ids_of_other_codes(login.code)]:
            twin = replace(self.driver, verification=before)
            assert not isinstance(verify(twin, replace(login, request_id=request_id)), Correct)

    def check_wait(self, seconds: int, is_allowed: Callable[[VerificationDriver], bool]) -> None:
        """Check that something is allowed after this wait, and not earlier."""
        assert is_allowed(self.driver.copy(after=seconds))
        for earlier in (seconds - 1, seconds // 2):
            assert not (0 < earlier < seconds and is_allowed(self.driver.copy(after=earlier)))

    def check_attempts_left(self, left: int, attempt: CodeUse) -> None:
        """Check that the client has as many attempts left as the response says, and no more.

        Unless it fails too often then to be recognized, or the phone has failed too often for it.
        Nobody has some where no code is active, or with an id that no active code has.
        """
        if not self.driver.verification.challenges.active(self.driver.now):
            assert left == 0
        before = check(self.driver, attempt)
        if before.challenge is None or before.challenge.used_at is not None:
            return
        copy = self.driver.copy()
        codes = [self.wrong_code() for _ in range(left + 1)]
        results = [verify(copy, replace(attempt, code=code)) for code in codes]
        checked = sum(not isinstance(result, int) for result in results)
        is_same = check(copy, attempt).recognized == before.recognized
        few = copy.verification.failures.in_a_row < FAILURES_BEFORE_FEWER_ATTEMPTS
        assert checked == left or not (is_same and few)

    # Drawing

    def draw_request_id(self, data: st.DataObject, client: Client) -> str | None:
        """Draw one of the ids that the client got last, an unknown one, or none."""
        return data.draw(st.sampled_from([None, None, "unknown", *self.ids.get(client, [])[-4:]]))

    def wrong_code(self) -> str:
        return str(next(self.driver.wrong_codes))


def device_of(client: Client) -> ValidDeviceToken | None:
    return ValidDeviceToken(client.device_id, IDENTITY_ID) if client.device_id else None


def set_block(driver: VerificationDriver, is_blocked: bool) -> VerificationDriver:
    """Return a copy that is blocked or not."""
    before = driver.verification
    return replace(
        driver, verification=before.block(driver.now) if is_blocked else before.unblock()
    )


def decide(driver: VerificationDriver, client: Client) -> tuple[DeliveryDecision | None, int]:
    """Request a code, and return when the next request is allowed, in seconds."""
    try:
        decision = driver.request(client.ip)
    except TooManyOtpRequests as error:
        return None, error.retry_after
    return decision, int((decision.next_request_at - driver.now).total_seconds())


def is_sent(driver: VerificationDriver, client: Client) -> bool:
    decision, _ = decide(driver, client)
    return decision is not None and decision.is_new


def verify(driver: VerificationDriver, attempt: CodeUse) -> VerificationResult | int:
    """Verify a code, and return the result, or how many seconds to wait."""
    try:
        return driver.verify(attempt.code, attempt.client.ip, attempt.request_id)
    except TooManyAttempts as error:
        return error.retry_after


def check(driver: VerificationDriver, attempt: CodeUse) -> CodeCheck:
    return driver.check(attempt.code, attempt.client.ip, attempt.request_id)


def response_of(result: VerificationResult | int) -> tuple[bool, int]:
    """Return what the client of a wrong code sees."""
    return isinstance(result, int), result if isinstance(result, int) else attempts_left(result)


@pytest.mark.hypothesis
def test_the_promises_about_a_phone_hold_in_any_order_of_requests() -> None:
    run_state_machine_as_test(
        PhoneVerificationMachine,
        settings=settings(
            max_examples=examples(30),
            stateful_step_count=40,
            # Shrinking a failure takes minutes. Add Phase.shrink to find the shortest one.
            phases=[Phase.generate],
        ),
    )
