"""Each thing that is done, done to the service and to the model; what they say must agree."""

import math
from collections.abc import Mapping, Sequence

from application.ports.messenger import DeliveryResult
from tests.stateful.calls import Principal
from tests.stateful.families import Family, ToldOfAsk
from tests.stateful.sign_in_model import Asked, Line, is_told
from tests.stateful.tokens_desk import TokensDesk
from tests.support.fakes.messenger import ACCEPTED, Message
from tests.unit.domain.phone_model import Send, first_time


class SignInDesk(TokensDesk):
    """The service, and how its answers are compared with those of the lines put to it."""

    # Asking

    def ask(
        self,
        line: Line,
        principal: Principal,
        family: Family,
        extras: Mapping[str, str] | None = None,
        sender: DeliveryResult = ACCEPTED,
    ) -> int:
        """Ask; say how long to wait until that works, 0 when it did or when nobody tells."""
        return self.ask_together([line], [principal], family, extras, sender)[0]

    def ask_together(
        self,
        lines: Sequence[Line],
        callers: Sequence[Principal],
        family: Family,
        extras: Mapping[str, str] | None = None,
        sender: DeliveryResult = ACCEPTED,
    ) -> list[int]:
        """Ask for several phones at the same time; `sender` is what a sender says to that."""
        self.served.messenger.result = sender
        self.served.messenger.messages.clear()
        pairs = [*zip(lines, callers, strict=True)]
        answers = self.served.answers(
            *(family.ask(line.phone, principal, extras or {}) for line, principal in pairs)
        )
        told = [family.read_ask(answer) for answer in answers]
        return [
            self._asked(line, principal, one)
            for (line, principal), one in zip(pairs, told, strict=True)
        ]

    def ask_in_time(self, line: Line, principal: Principal, family: Family) -> None:
        """Ask as soon as it works, and a second sooner."""
        wait = self.ask(line, principal, family)
        if wait == 0:
            return
        self.served.wait(wait - 1)
        assert self.ask(line, principal, family) <= 1
        self.served.wait(1)
        assert self.ask(line, principal, family) == 0

    def _asked(self, line: Line, principal: Principal, told: ToldOfAsk) -> int:
        now, sender = self.served.now, self.served.messenger.result.status
        is_counted = line.record.goes_out(principal.address, now)
        became, send = line.ask(principal.address, now, sender)
        assert became in told.may_be
        messages = [one for one in self.served.messenger.messages if one.phone == line.phone]
        assert len(messages) == int(is_counted and not line.record.is_blocked)
        if send is not None:
            self._is_told_of(send, told)
            if messages:
                _is_in(messages[0], send)
        if told.again_in is not None:
            address = principal.address
            assert first_time(lambda then: line.record.goes_out(address, then), now, told.again_in)
        return 0 if became not in (Asked.REPEATED, Asked.TOO_MANY) else told.again_in or 0

    def _is_told_of(self, send: Send, told: ToldOfAsk) -> None:
        if told.request_id is None:
            return
        if not is_told(send.request_id):
            send.request_id = told.request_id
        assert told.request_id == send.request_id
        assert told.expires_in == max(1, math.ceil(send.challenge.expires - self.served.now))

    # Answering

    def answer(
        self, line: Line, principal: Principal, family: Family, code: str, request_id: str | None
    ) -> int:
        """Answer; say how long to wait until an answer is taken, 0 when it was."""
        if not family.has_ids:
            request_id = None
        now, address = self.served.now, principal.address
        told = family.read_answer(
            self.served.answer(family.answer(line.phone, principal, code, request_id))
        )
        if not line.record.is_answered(address, request_id, now):
            assert told.again_in is not None

            def is_answered(then: float) -> bool:
                return line.record.is_answered(address, request_id, then)

            assert first_time(is_answered, now, told.again_in)
            return told.again_in
        assert told.again_in is None
        left = line.answer(code, address, request_id, now)
        assert (told.token is not None) == (left is None)
        if told.token is not None:
            assert told.token not in [token for _, token in self.shown]
            self.shown.append((line, told.token))
            line.sign_in(told.token, now)
        elif family.has_ids:
            assert told.attempts_left == left
        return 0

    def answer_in_time(
        self, line: Line, principal: Principal, family: Family, code: str, request_id: str | None
    ) -> None:
        """Answer until that is refused, then as soon as it works, and a second sooner."""
        while not (wait := self.answer(line, principal, family, code, request_id)):
            pass
        self.served.wait(wait - 1)
        assert self.answer(line, principal, family, code, request_id) == 1
        self.served.wait(1)
        assert self.answer(line, principal, family, code, request_id) == 0

    def wrong_code(self, lines: Sequence[Line]) -> str:
        """A code that was in no message."""
        seen = {one.code for line in lines for one in line.record.challenges}
        return next(code for code in ("999999", "888888", "777777", "000000") if code not in seen)


def _is_in(message: Message, send: Send) -> None:
    """See that the message has the send's code; a new challenge's is learnt by it."""
    if not is_told(send.challenge.code):
        send.challenge.code = message.code
    assert message.code == send.challenge.code
    assert len(message.code) == 6
