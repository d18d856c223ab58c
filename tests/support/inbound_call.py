"""An inbound call that a test drives by keys, speech and silence."""

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from typing import Any, Self

from application.features.voice.answer_call import AnswerCallCommand
from domain.features.voice.call import Call, inbound_call_id
from domain.features.voice.instructions import (
    Dial,
    Gather,
    GoTo,
    Instruction,
    Position,
    RecordCaller,
)
from domain.features.voice.step import Answered, CallEvent, Continued, Dialed, DialResult, Recorded
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness, Policy, make_policy
from tests.support.builders import a_phone
from tests.support.call_texts import spoken
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.randomness import SeededRandomness
from tests.support.repositories import OpenRepositories
from tests.support.voice.stored import stored_calls

_SEEDS = itertools.count(1)
OPERATOR = PhoneNumber("+14155552671")
CALLER_ID = "+15005550006"


def make_phone_line(**decisions: Any) -> Policy:
    """Return a policy with a line operator, and with these decisions."""
    return make_policy(
        **{
            "line_operator": OPERATOR,
            "caller_id": CALLER_ID,
            "webhook_urls": WEBHOOK_URLS,
            **decisions,
        }
    )


PHONE_LINE = make_phone_line()


@dataclass
class InboundCall:
    """A call: its caller id, the instructions of the last response, and all requests so far."""

    app: AppHarness
    phone: PhoneNumber | None = field(default_factory=a_phone)
    sid: str = "CA1"
    called: PhoneNumber | None = None
    instructions: tuple[Instruction, ...] = ()
    sent: list[AnswerCallCommand] = field(default_factory=list)

    @property
    def id(self) -> str:
        return inbound_call_id(self.sid)

    @property
    def record(self) -> Call:
        return stored_calls(self.app.database, self.id)[self.id].value

    @property
    def position(self) -> Position:
        last = self.instructions[-1]
        if isinstance(last, GoTo):
            return last.position
        assert isinstance(last, Gather | Dial | RecordCaller), f"the call does not wait: {last}"
        return last.answer_to

    @property
    def heard(self) -> str:
        """What the last response says."""
        return " ".join(spoken(self.instructions))

    async def ring(self, *keys: str) -> Self:
        """Begin the call, press these keys, and return it."""
        await self.send(None, Continued())
        await self.press(*keys)
        return self

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.send(self.position, Answered(keys=key))

    async def stay_on_the_line(self) -> None:
        """Wait for the end of a text."""
        await self.send(self.position, Continued())

    async def hang_up(self) -> None:
        """End the call, as the provider reports it."""
        await self.app.report_call(self.id)

    async def end_dial(self, result: DialResult) -> None:
        await self.send(self.position, Dialed(result))

    async def leave_recording(self, recording_id: str = "RE1", seconds: int = 7) -> None:
        """Speak after the tone."""
        await self.send(self.position, Recorded(recording_id, seconds))

    async def send(self, position: Position | None, event: CallEvent) -> None:
        self.sent.append(AnswerCallCommand(self.sid, self.phone, position, event, self.called))
        self.instructions = await self.repeat()

    async def repeat(
        self, index: int = -1, app: AppHarness | None = None
    ) -> tuple[Instruction, ...]:
        """Send a request again, perhaps to another instance."""
        return await (app or self.app).voice.answer_call(self.sent[index])


def another_instance(app: AppHarness, repositories: OpenRepositories | None = None) -> AppHarness:
    """Return another instance of the service on the same database."""
    return replace(
        app,
        repositories=repositories or app.repositories,
        randomness=SeededRandomness(next(_SEEDS)),
    )


@dataclass
class RepeatedCall(InboundCall):
    """A call whose requests arrive several times, at two instances; all responses are the same.

    Attributes:
        other: The second instance.
        copies: How often a request arrives.
    """

    other: AppHarness | None = None
    copies: int = 3

    async def repeat(
        self, index: int = -1, app: AppHarness | None = None
    ) -> tuple[Instruction, ...]:
        instances = [self.app, self.other or another_instance(self.app)]

        first, *others = await asyncio.gather(
            *(InboundCall.repeat(self, index, instances[copy % 2]) for copy in range(self.copies))
        )
        assert others == [first] * len(others)
        assert await super().repeat(index) == first
        return first


async def join(app: AppHarness, phone: PhoneNumber | None = None, sid: str = "CA-join") -> str:
    """Join by a call that hangs up then, and return the id of the identity."""
    call = InboundCall(app, phone or a_phone(), sid)
    await call.ring()
    await call.press("1")
    await call.stay_on_the_line()
    identity_id = app.database.phone_verifications[call.phone or a_phone()].value.identity_id
    assert identity_id is not None
    return identity_id
