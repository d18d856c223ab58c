"""Whatever happens to a phone, in whatever order, its record does what was promised."""

from datetime import timedelta

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
from tests.support.builders import NOW
from tests.support.examples import examples
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    code_of,
    unknown_ip,
)
from tests.unit.domain.phone_model import PhoneModel, Send, first_time

ADDRESSES = st.sampled_from([HOME_IP, HOME_IP, WORK_IP, unknown_ip(1), unknown_ip(2)])
SECONDS = st.sampled_from(
    [1, 4, 14, 15, 16, 29, 30, 45, 59, 60, 61, 120, 239, 240, 241, 285, 299, 300, 301, 600]
)
LONG = st.sampled_from([15, 30, 59, 60, 61, 90, 240, 720, 1380, 1425, 1439, 1440, 1441, 129_600])


class PhoneRecordMachine(RuleBasedStateMachine):
    """The record and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = VerificationDriver()
        self.model = PhoneModel()
        self.now = 0
        self.untouched: Send | None = None

    # What may happen

    @rule(seconds=SECONDS)
    def a_while_passes(self, seconds: int) -> None:
        self.pass_time(seconds)

    @rule(minutes=LONG)
    def a_long_time_passes(self, minutes: int) -> None:
        self.pass_time(minutes * 60)

    @initialize(address=ADDRESSES)
    def somebody_signs_in(self, address: str) -> None:
        self.ask(address)
        self.answer(self.model.challenges[-1].code, address, None)
        self.pass_time(20)

    @rule(address=ADDRESSES)
    def somebody_asks(self, address: str) -> None:
        self.ask(address)

    @rule(address=ADDRESSES, times=st.integers(1, 4))
    def somebody_asks_as_soon_as_it_works(self, address: str, times: int) -> None:
        for _ in range(times):
            self.ask_in_time(address)

    @rule(first=st.integers(10, 500), count=st.integers(2, 6))
    def strangers_ask_as_soon_as_it_works(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.ask_in_time(unknown_ip(number))

    @precondition(lambda self: self.untouched is not None)
    @rule()
    def no_sender_would_have_the_message(self) -> None:
        assert self.untouched is not None
        self.driver.verification = self.driver.verification.cancel_delivery(
            self.untouched.request_id
        )
        self.model.take_back(self.untouched)
        self.untouched = None

    @rule(address=ADDRESSES, times=st.integers(1, 6))
    def somebody_guesses(self, address: str, times: int) -> None:
        for _ in range(times):
            self.answer(WRONG_CODE, address, None)

    @rule(first=st.integers(10, 500), count=st.integers(3, 16))
    def strangers_guess(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.answer(WRONG_CODE, unknown_ip(number), None)

    @rule(address=ADDRESSES, times=st.integers(1, 6))
    def somebody_guesses_with_an_id_of_nobody(self, address: str, times: int) -> None:
        for _ in range(times):
            self.answer(WRONG_CODE, address, "unknown")

    @precondition(lambda self: self.model.sends)
    @rule(data=st.data(), address=ADDRESSES, times=st.integers(1, 6))
    def somebody_guesses_with_an_id(self, data: st.DataObject, address: str, times: int) -> None:
        request_id = self.some_id(data)
        for _ in range(times):
            self.answer(WRONG_CODE, address, request_id)

    @precondition(lambda self: self.model.challenges)
    @rule(data=st.data(), address=ADDRESSES)
    def somebody_has_a_code(self, data: st.DataObject, address: str) -> None:
        self.answer(self.some_code(data), address, None)

    @precondition(lambda self: self.model.challenges and self.model.sends)
    @rule(data=st.data(), address=ADDRESSES)
    def somebody_has_a_code_and_an_id(self, data: st.DataObject, address: str) -> None:
        self.answer(self.some_code(data), address, self.some_id(data))

    @precondition(lambda self: self.model.sends)
    @rule(address=ADDRESSES)
    def somebody_has_the_latest_message(self, address: str) -> None:
        send = self.model.sends[-1]
        self.answer(send.challenge.code, address, send.request_id)

    @rule()
    def an_operator_blocks_the_phone(self) -> None:
        self.driver.verification = self.driver.verification.block(self.driver.now)
        self.model.is_blocked = True

    @rule()
    def an_operator_unblocks_the_phone(self) -> None:
        self.driver.verification = self.driver.verification.unblock()
        self.model.is_blocked = False

    # What always holds

    @invariant()
    def at_most_two_codes_live(self) -> None:
        assert len(self.driver.verification.active_challenges(self.driver.now)) <= 2

    @invariant()
    def as_many_codes_live_as_the_model_has(self) -> None:
        live = {code_of(one) for one in self.driver.verification.active_challenges(self.driver.now)}
        alive = [one for one in self.model.challenges if self.model.is_alive(one, self.now)]
        assert live == {one.code for one in alive}

    # How the two are put side by side

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        self.driver.now = NOW + timedelta(seconds=self.now)

    def ask(self, address: str) -> int:
        """Ask both; say how long to wait, 0 when a message is to go out, or is withheld."""
        before = self.driver.verification
        goes_out = self.model.goes_out(address, self.now)
        refers_to = self.model.refers_to(address, self.now)
        try:
            asked = self.driver.request(address)
        except TooManyOtpRequests as refusal:
            assert not goes_out
            assert refers_to is None
            assert self.driver.verification is before
            self.is_true_of_asks(address, refusal.retry_after)
            return refusal.retry_after
        told = (asked.next_request_at - self.driver.now) // timedelta(seconds=1)
        assert asked.should_deliver == (asked.is_new and not self.model.is_blocked)
        if asked.is_new:
            assert goes_out
            new_code = code_of(asked.challenge)
            send = self.model.send(asked.delivery.request_id, address, self.now, new_code)
            assert asked.delivery.uses_trusted_ip_quota == send.from_reserve
            self.untouched = send
        else:
            assert not goes_out
            assert refers_to is not None
            assert self.driver.verification is before
            send = refers_to
        assert asked.delivery.request_id == send.request_id
        assert code_of(asked.challenge) == send.challenge.code
        assert asked.challenge.expires_at == NOW + timedelta(seconds=send.challenge.expires)
        self.is_true_of_asks(address, told)
        return 0 if asked.is_new else told

    def ask_in_time(self, address: str) -> None:
        if told := self.ask(address):
            self.pass_time(told)
            assert self.ask(address) == 0

    def is_true_of_asks(self, address: str, told: int) -> None:
        def goes_out(then: float) -> bool:
            return self.model.goes_out(address, then)

        assert first_time(goes_out, self.now, told)

    def answer(self, code: str, address: str, request_id: str | None) -> None:
        """Answer both."""
        before = self.driver.verification
        attempts_left = self.model.attempts_left(address, request_id, self.now)
        try:
            judged = self.driver.verify(code, address, request_id)
        except TooManyAttempts as refusal:
            told = refusal.retry_after
        else:
            assert attempts_left > 0
            self.untouched = None
            self.model.count(address, request_id, self.now)
            assert judged.attempts_left == attempts_left - 1
            assert judged.is_correct == self.model.solve(code, address, request_id, self.now)
            return
        assert attempts_left == 0
        assert self.driver.verification is before
        self.is_true_of_answers(address, request_id, told)

    def is_true_of_answers(self, address: str, request_id: str | None, told: int) -> None:
        def is_answered(then: float) -> bool:
            return self.model.is_answered(address, request_id, then)

        assert first_time(is_answered, self.now, told)

    def some_id(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self.model.sends[-4:])).request_id

    def some_code(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self.model.challenges[-3:])).code


@pytest.mark.hypothesis
def test_the_record_does_what_the_model_does() -> None:
    run_state_machine_as_test(
        PhoneRecordMachine,
        settings=settings(
            max_examples=examples(40),
            stateful_step_count=40,
            # With Phase.shrink a failure takes minutes; add it to see the shortest way to one.
            phases=[Phase.generate],
        ),
    )
