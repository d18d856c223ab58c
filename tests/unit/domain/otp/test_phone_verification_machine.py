"""Run random operations on a PhoneVerification, and check what is true of any phone.

The history knows no cooldown, counter or reset: each rule has a test of its own. Each assertion is
one promise, and holds for any order of requests. All times are seconds.
"""

from dataclasses import dataclass, field, replace
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
from domain.otp.attempts import Correct, CorrectAtBlockedPhone, Wrong
from domain.otp.challenge import MAX_ACTIVE_CHALLENGES, MAX_CANDIDATES
from domain.otp.delivery import ValidDeviceToken
from tests.support.builders import NOW
from tests.support.examples import examples
from tests.unit.domain.otp.verification_driver import (
    DAY,
    DEVICE,
    HOME_IP,
    HOUR,
    IDENTITY_ID,
    WORK_IP,
    VerificationDriver,
    can_log_in,
    code_of,
    unknown_ip,
)

pytestmark = pytest.mark.slow

CODE_TTL: Final = 300
RESEND_PERIOD: Final = 240
"""Seconds after its first message in which a code is sent again; it is valid for 60 more."""
MIN_INTERVAL: Final = 15
MESSAGES_TO_STRANGERS: Final = ((900, 6), (DAY, 12))
"""Periods in seconds, each with its maximum of messages."""
MESSAGES_TO_OWNER: Final = ((HOUR, 9),)
"""Messages of each IP of a login and each device: six of its network, and three of its own."""
ATTEMPTS_OF_STRANGERS: Final = 100
"""Attempts in a day without a login."""


@dataclass(frozen=True)
class Client:
    """A client that sends requests: an IP, perhaps with the token of a device."""

    ip: str
    device_id: str | None = None

    @property
    def device(self) -> ValidDeviceToken | None:
        return ValidDeviceToken(self.device_id, IDENTITY_ID) if self.device_id else None


@dataclass(frozen=True)
class Message:
    """A message with a code. `is_of_owner`: its client logged in before."""

    code: str
    sent_at: float
    client: Client
    is_of_owner: bool
    request_id: str


@dataclass(frozen=True)
class Attempt:
    code: str
    at: float
    client: Client
    request_id: str | None


@dataclass
class PhoneHistory:
    """The messages, logins and checked attempts of a phone. Codes of other messages differ.

    `ids` are all request ids that clients got, also those of requests that caused no message.
    """

    messages: list[Message] = field(default_factory=list)
    logins: list[Attempt] = field(default_factory=list)
    used_codes: set[str] = field(default_factory=set)
    attempts_of_strangers: list[float] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    is_blocked: bool = False

    def is_owner(self, client: Client) -> bool:
        """Return whether the client may count as one that logged in before."""
        logged_in = {login.client.ip for login in self.logins}
        return client.ip in logged_in or (client.device_id is not None and bool(self.logins))

    def is_active(self, code: str, now: float) -> bool:
        """Return whether a message had the code in the last five minutes, and nobody used it."""
        sent = [message.sent_at for message in self.messages if message.code == code]
        return bool(sent) and now - sent[0] < CODE_TTL and code not in self.used_codes

    def add_message(self, message: Message) -> None:
        now, last_login = message.sent_at, max((each.at for each in self.logins), default=-1)
        first = next((each for each in self.messages if each.code == message.code), message)
        assert now - first.sent_at <= RESEND_PERIOD, "a code is sent again for four minutes"
        assert first is message or self.is_active(message.code, now), "a used code is not sent"
        assert all(
            now - each.sent_at >= MIN_INTERVAL or each.sent_at <= last_login
            for each in self.messages
        ), "two messages have 15 seconds between them, or a login"
        self.messages.append(message)
        limits = MESSAGES_TO_OWNER if message.is_of_owner else MESSAGES_TO_STRANGERS
        counted = [
            each.sent_at
            for each in self.messages
            if (each.client == message.client if message.is_of_owner else not each.is_of_owner)
        ]
        for period, limit in limits:
            recent = [sent_at for sent_at in counted if now - sent_at < period]
            assert len(recent) <= limit, f"at most {limit} messages in {period} seconds"

    def add_use(self, use: Attempt) -> None:
        """Add the use of a correct code. It is a login unless the phone is blocked."""
        assert self.is_active(use.code, use.at), "a code is valid once, for five minutes"
        codes = {each.code for each in self.messages if each.request_id == use.request_id}
        assert codes <= {use.code}, "with an id only the code of its message is correct"
        assert use.request_id in {None, *self.ids}, "with an unknown id no code is correct"
        self.used_codes.add(use.code)
        self.attempts_of_strangers.clear()
        if not self.is_blocked:
            self.logins.append(use)

    def check_repeated_login(self, attempt: Attempt) -> None:
        """Check that a client may get the login of a used code again."""
        assert not self.is_blocked, "nobody logs in while the phone is blocked"
        used = [each.request_id for each in self.logins if each.code == attempt.code]
        assert used, "only a used code is repeated"
        is_same_request = attempt.request_id is not None and attempt.request_id in used
        assert is_same_request or self.is_owner(attempt.client), "only its client repeats a code"

    def add_failure(self, failed: Attempt) -> None:
        """Add an attempt that was counted, and opened no session."""
        if not self.is_owner(failed.client):
            self.attempts_of_strangers.append(failed.at)
            recent = [time for time in self.attempts_of_strangers if failed.at - time < DAY]
            assert len(recent) <= ATTEMPTS_OF_STRANGERS, "strangers have few attempts in a day"


OWNERS: Final = (Client(HOME_IP), Client(WORK_IP, DEVICE.device_id), Client(WORK_IP, "another"))
STRANGERS: Final = [Client(unknown_ip(1)), Client("2001:db8:1:7::/64"), Client("203.0.113.8")]
CLIENTS: Final = st.sampled_from([OWNERS[0], *OWNERS, *STRANGERS])
FIRST_STRANGERS: Final = st.integers(10, 500)
SECONDS: Final = st.sampled_from([1, 9, 10, 15, 59, 60, 239, 241, 299, 300, 900, HOUR, DAY])


class PhoneVerificationMachine(RuleBasedStateMachine):
    """The verification of a phone. `ids` are the request ids that each client got."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = VerificationDriver()
        self.history = PhoneHistory()
        self.ids: dict[Client, list[str]] = {}
        self.checked = self.driver.verification

    @property
    def now(self) -> float:
        """Seconds since the machine started."""
        return (self.driver.now - NOW).total_seconds()

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.driver.wait(seconds)

    @rule(is_blocked=st.sampled_from([True, False, False]))
    def block_or_unblock(self, is_blocked: bool) -> None:
        before = self.driver.verification
        after = before.block(self.driver.now) if is_blocked else before.unblock()
        self.driver.verification, self.history.is_blocked = after, is_blocked

    @initialize(client=CLIENTS)
    def log_in_first(self, client: Client) -> None:
        self.log_in(client)

    @rule(client=CLIENTS)
    def log_in(self, client: Client) -> None:
        self.request_as_soon_as_allowed(client)
        latest = self.history.messages[-1]
        self.verify(client, latest.code, latest.request_id)

    @rule(client=CLIENTS, times=st.integers(1, 4))
    def request_at_once(self, client: Client, times: int) -> None:
        for _ in range(times):
            self.request(client)

    @rule(client=CLIENTS)
    def request_as_soon_as_allowed(self, client: Client) -> None:
        if seconds := self.request(client):
            self.wait(seconds)
            assert self.request(client) == 0, "the wait in a response is exact"

    @rule(first=FIRST_STRANGERS, clients=st.integers(2, 6))
    def strangers_request_as_soon_as_allowed(self, first: int, clients: int) -> None:
        for number in range(first, first + clients):
            self.request_as_soon_as_allowed(Client(unknown_ip(number)))

    def request(self, client: Client) -> int:
        """Request a code, and return the seconds to wait, 0 if a message is sent."""
        self.driver.device = client.device
        is_owner = self.history.is_owner(client)
        try:
            decision = self.driver.request(client.ip)
        except TooManyOtpRequests as error:
            return error.retry_after
        self.ids.setdefault(client, []).append(decision.request_id)
        self.history.ids.add(decision.request_id)
        if not decision.is_new:
            return int((decision.next_request_at - self.driver.now).total_seconds())
        code = code_of(decision.challenge)
        self.history.add_message(Message(code, self.now, client, is_owner, decision.request_id))
        return 0

    @rule(data=st.data(), client=CLIENTS, times=st.integers(1, 6))
    def guess(self, data: st.DataObject, client: Client, times: int) -> None:
        request_id = self.draw_request_id(data, client)
        for _ in range(times):
            self.verify(client, self.wrong_code(), request_id)

    @rule(first=FIRST_STRANGERS, clients=st.integers(3, 16) | st.integers(40, 60))
    def strangers_guess(self, first: int, clients: int) -> None:
        for number in range(first, first + clients):
            self.verify(Client(unknown_ip(number)), self.wrong_code(), None)

    @precondition(lambda self: self.history.messages)
    @rule(data=st.data(), client=CLIENTS)
    def verify_any_code(self, data: st.DataObject, client: Client) -> None:
        message = data.draw(st.sampled_from(self.history.messages[-4:]))
        self.verify(client, message.code, self.draw_request_id(data, client))

    def verify(self, client: Client, code: str, request_id: str | None) -> None:
        attempt = Attempt(code, self.now, client, request_id)
        self.driver.device, before = client.device, self.driver.verification
        try:
            result = self.driver.verify(code, client.ip, request_id)
        except TooManyAttempts:
            assert self.driver.verification is before
            return
        if isinstance(result, Correct):
            assert not self.history.is_blocked, "nobody logs in while the phone is blocked"
            self.history.add_use(attempt)
        elif isinstance(result, CorrectAtBlockedPhone):
            assert self.history.is_blocked, "only a block makes a correct code useless"
            if code not in self.history.used_codes:
                self.history.add_use(attempt)
        elif can_log_in(result):
            self.history.check_repeated_login(attempt)
        elif isinstance(result, Wrong) and result.is_counted:
            self.history.add_failure(attempt)

    def draw_request_id(self, data: st.DataObject, client: Client) -> str | None:
        """Draw one of the ids that the client got last, an unknown one, or none."""
        return data.draw(st.sampled_from([None, None, "unknown", *self.ids.get(client, [])[-4:]]))

    def wrong_code(self) -> str:
        return str(next(self.driver.wrong_codes))

    @invariant()
    def few_challenges_are_active_and_compared(self) -> None:
        verification, now = self.driver.verification, self.driver.now
        assert len(verification.challenges.active(now)) <= MAX_ACTIVE_CHALLENGES
        compared = verification.find_candidates(self.driver.check().attempt)
        assert len(compared) <= MAX_CANDIDATES

    @invariant()
    def a_recognized_owner_logs_in_within_an_hour(self) -> None:
        """Strangers can do nothing about it."""
        if self.driver.verification is self.checked:
            return
        self.checked = self.driver.verification
        for client in OWNERS[:2]:
            owner = replace(self.driver, verification=self.checked.unblock(), device=client.device)
            if not owner.check(client_ip=client.ip).recognized.is_stranger:
                decision = owner.deliver(client.ip)
                assert owner.now <= self.driver.copy(after=HOUR).now
                is_known = not owner.check(client_ip=client.ip).recognized.is_stranger
                assert owner.accepts(code_of(decision.challenge), client.ip) or not is_known


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
