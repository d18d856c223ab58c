"""Whatever callers and operators do to two phones, the whole service does what the model does."""

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from application.ports.messenger import DeliveryResult
from tests.stateful.calls import CALLERS, Principal, from_afar
from tests.stateful.families import Family
from tests.stateful.main_family import MainFamily
from tests.stateful.older_family import OlderFamily
from tests.stateful.served import Served, serving
from tests.stateful.sign_in_desk import SignInDesk
from tests.stateful.sign_in_model import Line, is_told
from tests.stateful.worlds import World, in_each_world
from tests.support.examples import examples
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN
from tests.unit.domain.phone_model import Send

MAIN: Final = MainFamily()
FAMILIES: Final = st.sampled_from([MAIN, MAIN, OlderFamily()])
EXTRAS: Final = st.sampled_from(
    [
        {},
        {"platform": "android"},
        {"platform": "ios", "locale": "en"},
        {"platform": "web", "locale": "xx"},
        {"platform": "a toaster"},
    ]
)
SENDERS: Final = st.sampled_from([ACCEPTED, UNKNOWN, REJECTED, INVALID_NUMBER])
SECONDS: Final = st.sampled_from(
    [0.5, 1, 4, 14, 14.5, 15, 16, 29, 30, 45, 59, 60, 61, 120, 239.5, 240, 241, 299, 300, 301, 600]
)
MINUTES: Final = st.sampled_from([15, 30, 59, 60, 61, 90, 240, 720, 1425, 1440, 1441, 129_600])
LINES: Final = st.integers(0, 1)


class SignInMachine(RuleBasedStateMachine):
    """The service and the model, side by side."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        served.begin()
        self.desk = SignInDesk(served)
        self.lines = (Line(served.a_fresh_phone()), Line(served.a_fresh_phone()))

    # What may happen: time, and operators

    @rule(seconds=SECONDS)
    def a_while_passes(self, seconds: float) -> None:
        self.desk.served.wait(seconds)

    @rule(minutes=MINUTES)
    def a_long_time_passes(self, minutes: int) -> None:
        self.desk.served.wait(minutes * 60)

    @precondition(lambda self: len(self.desk.shown) > 2)
    @rule(line=LINES)
    def an_operator_blocks_a_phone(self, line: int) -> None:
        self.desk.block(self.lines[line])

    @rule(line=LINES)
    def an_operator_unblocks_a_phone(self, line: int) -> None:
        self.desk.unblock(self.lines[line])

    @rule()
    def an_operator_sweeps(self) -> None:
        self.desk.cleanup()

    # Asking

    @initialize(principal=CALLERS, other=CALLERS)
    def both_phones_are_signed_in(self, principal: Principal, other: Principal) -> None:
        self.somebody_signs_in(0, principal, MAIN)
        self.somebody_signs_in(1, other, MAIN)

    @rule(line=LINES, principal=CALLERS, family=FAMILIES)
    def somebody_signs_in(self, line: int, principal: Principal, family: Family) -> None:
        self.desk.ask_in_time(self.lines[line], principal, family)
        self.somebody_has_the_latest_message(line, principal, family)

    @rule(line=LINES, principal=CALLERS, family=FAMILIES, extras=EXTRAS, sender=SENDERS)
    def somebody_asks(
        self,
        line: int,
        principal: Principal,
        family: Family,
        extras: Mapping[str, str],
        sender: DeliveryResult,
    ) -> None:
        self.desk.ask(self.lines[line], principal, family, extras, sender)

    @rule(line=LINES, principal=CALLERS, family=FAMILIES, sender=SENDERS)
    def somebody_asks_when_it_works(
        self, line: int, principal: Principal, family: Family, sender: DeliveryResult
    ) -> None:
        self.desk.served.wait(self.desk.ask(self.lines[line], principal, family))
        self.desk.ask(self.lines[line], principal, family, sender=sender)
        self.desk.ask(self.lines[line], principal, family)

    @rule(line=LINES, principal=CALLERS, family=FAMILIES, times=st.integers(1, 4))
    def somebody_asks_as_soon_as_it_works(
        self, line: int, principal: Principal, family: Family, times: int
    ) -> None:
        for _ in range(times):
            self.desk.ask_in_time(self.lines[line], principal, family)

    @rule(line=LINES, first=st.integers(10, 500), count=st.integers(2, 5))
    def strangers_ask_as_soon_as_it_works(self, line: int, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.desk.ask_in_time(self.lines[line], from_afar(number), MAIN)

    @rule(principal=CALLERS, other=CALLERS, family=FAMILIES)
    def both_phones_ask_at_once(
        self, principal: Principal, other: Principal, family: Family
    ) -> None:
        self.desk.ask_together(self.lines, (principal, other), family)

    # Answering

    @rule(line=LINES, principal=CALLERS, family=FAMILIES, times=st.integers(1, 6))
    def somebody_guesses(self, line: int, principal: Principal, family: Family, times: int) -> None:
        for _ in range(times):
            self.guess(line, principal, family, None)

    @rule(line=LINES, first=st.integers(10, 500), count=st.integers(3, 16))
    def strangers_guess(self, line: int, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.guess(line, from_afar(number), MAIN, None)

    @rule(line=LINES, principal=CALLERS, first=st.integers(10, 500), count=st.integers(8, 15))
    def strangers_guess_before_and_after_a_sign_in(
        self, line: int, principal: Principal, first: int, count: int
    ) -> None:
        self.strangers_guess(line, first, count)
        self.somebody_signs_in(line, principal, MAIN)
        self.strangers_guess(line, first + count, count)

    @rule(line=LINES, principal=CALLERS, times=st.integers(1, 6))
    def somebody_guesses_with_an_id_of_nobody(
        self, line: int, principal: Principal, times: int
    ) -> None:
        for _ in range(times):
            self.guess(line, principal, MAIN, "unknown")

    @rule(data=st.data(), line=LINES, principal=CALLERS, times=st.integers(1, 6))
    def somebody_guesses_with_an_id(
        self, data: st.DataObject, line: int, principal: Principal, times: int
    ) -> None:
        request_id = self.some_id(data)
        for _ in range(times):
            self.guess(line, principal, MAIN, request_id)

    @rule(data=st.data(), line=LINES, principal=CALLERS, family=FAMILIES, has_id=st.booleans())
    def somebody_guesses_until_it_is_refused(
        self, data: st.DataObject, line: int, principal: Principal, family: Family, has_id: bool
    ) -> None:
        request_id = self.some_id(data) if has_id else None
        wrong = self.desk.wrong_code(self.lines)
        self.desk.answer_in_time(self.lines[line], principal, family, wrong, request_id)

    @rule(data=st.data(), line=LINES, principal=CALLERS, family=FAMILIES)
    def somebody_has_a_code(
        self, data: st.DataObject, line: int, principal: Principal, family: Family
    ) -> None:
        self.desk.answer(self.lines[line], principal, family, self.some_code(data), None)

    @rule(data=st.data(), line=LINES, principal=CALLERS)
    def somebody_has_a_code_and_an_id(
        self, data: st.DataObject, line: int, principal: Principal
    ) -> None:
        code, request_id = self.some_code(data), self.some_id(data)
        self.desk.answer(self.lines[line], principal, MAIN, code, request_id)

    @rule(line=LINES, principal=CALLERS, family=FAMILIES)
    def somebody_has_the_latest_message(
        self, line: int, principal: Principal, family: Family
    ) -> None:
        sends = self.lines[line].record.sends
        if sends:
            latest = sends[-1]
            request_id = latest.request_id if is_told(latest.request_id) else None
            code = self.code_of(latest)
            self.desk.answer(self.lines[line], principal, family, code, request_id)

    # Being signed in

    @precondition(lambda self: self.desk.shown)
    @rule(data=st.data())
    def somebody_shows_a_token(self, data: st.DataObject) -> None:
        self.desk.show(*data.draw(st.sampled_from(self.desk.shown)))

    @precondition(lambda self: self.desk.shown)
    @rule(data=st.data())
    def somebody_signs_out(self, data: st.DataObject) -> None:
        self.desk.logout(*data.draw(st.sampled_from(self.desk.shown)))

    @precondition(lambda self: len(self.desk.shown) > 3)
    @rule(data=st.data())
    def somebody_leaves(self, data: st.DataObject) -> None:
        self.desk.leave(*data.draw(st.sampled_from(self.desk.shown)))

    # At the end

    def teardown(self) -> None:
        self.desk.show_all()

    # What is chosen

    def guess(
        self, line: int, principal: Principal, family: Family, request_id: str | None
    ) -> None:
        wrong = self.desk.wrong_code(self.lines)
        self.desk.answer(self.lines[line], principal, family, wrong, request_id)

    def some_id(self, data: st.DataObject) -> str:
        told = [
            send.request_id
            for line in self.lines
            for send in line.record.sends[-4:]
            if is_told(send.request_id)
        ]
        return data.draw(st.sampled_from(told or ["unknown"]))

    def some_code(self, data: st.DataObject) -> str:
        seen = [code for line in self.lines for code in line.seen_codes]
        return data.draw(st.sampled_from(seen)) if seen else self.desk.wrong_code(self.lines)

    def code_of(self, send: Send) -> str:
        """The code of a message, or of one that was withheld a wrong one."""
        code = send.challenge.code
        return code if is_told(code) else self.desk.wrong_code(self.lines)


@in_each_world(of_memory=28, of_sqlite=6, of_mongo=4)
@pytest.mark.hypothesis
def test_signing_in_does_what_the_model_does(
    world: World, count: int, request: pytest.FixtureRequest
) -> None:
    with serving(world(request)) as served:
        run_state_machine_as_test(
            lambda: SignInMachine(served),  # type: ignore[arg-type]  # whatever makes one is taken
            settings=settings(
                max_examples=examples(count),
                stateful_step_count=40,
                # With Phase.shrink a failure takes minutes; add it to see the shortest way to one.
                phases=[Phase.generate],
            ),
        )
