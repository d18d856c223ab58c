"""How many commands a request costs: the driver's calls are what the service spends its time on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from application.identities.authenticate import Authenticate
from application.sign_in.request_code import AskForCode, RequestCode
from application.sign_in.verify_code import AnswerWithCode, SignedIn, VerifyCode
from domain.sign_in.code import Code
from domain.sign_in.send import SendLimits
from tests.builders import ADDRESS, a_phone
from tests.fakes.access_tokens import FakeAccessTokens
from tests.fakes.clock import MovableClock
from tests.fakes.messenger import FakeMessenger
from tests.fakes.peppers import FakePeppers
from tests.fakes.randomness import SeededRandomness
from tests.integration.mongo_commands import Commands, watched


@dataclass(frozen=True, slots=True)
class Front:
    """The use cases of signing in, and what they send."""

    request_code: RequestCode
    verify_code: VerifyCode
    authenticate: Authenticate
    messenger: FakeMessenger
    clock: MovableClock
    commands: Commands

    async def ask(self) -> None:
        await self.request_code(AskForCode(a_phone(), ADDRESS))

    async def answer(self, code: str | None = None) -> str | None:
        """Answer with the latest code or this one; gives a token if it is right."""
        code = code or self.messenger.messages[-1].code
        outcome = await self.verify_code(AnswerWithCode(a_phone(), Code(code), ADDRESS))
        return outcome.access_token if isinstance(outcome, SignedIn) else None

    def costs(self) -> list[str]:
        """The commands since it was last asked."""
        names = self.commands.names
        self.commands.sent.clear()
        return names


@pytest.fixture
async def front(mongo_database: str) -> AsyncIterator[Front]:
    async with watched(mongo_database) as (records, commands):
        phones, identities = records.phone_records, records.identities
        messenger, peppers, clock = FakeMessenger(), FakePeppers(), MovableClock()
        randomness, tokens, limits = SeededRandomness(), FakeAccessTokens(), SendLimits()
        yield Front(
            RequestCode(phones, peppers, messenger, clock, randomness, "Dialtone", None, limits),
            VerifyCode(
                *(phones, identities, peppers, tokens, clock, randomness),
                token_lifetime=timedelta(days=90),
            ),
            Authenticate(tokens, identities, clock),
            messenger,
            clock,
            commands,
        )


async def test_an_ask_is_a_read_and_a_write(front: Front) -> None:
    await front.ask()
    assert front.costs() == ["find", "insert"]

    front.clock.advance(timedelta(minutes=1))
    await front.ask()
    assert front.costs() == ["find", "update"]


async def test_a_wrong_answer_is_a_read_and_a_write(front: Front) -> None:
    await front.ask()
    front.costs()

    assert await front.answer("000000") is None
    assert front.costs() == ["find", "update"]


async def test_a_right_answer_is_the_same_for_the_phone_and_for_the_identity(
    front: Front,
) -> None:
    await front.ask()
    front.costs()
    assert await front.answer()
    assert front.costs() == ["find", "update", "find", "insert"]

    front.clock.advance(timedelta(minutes=10))
    await front.ask()
    front.costs()
    assert await front.answer()
    assert front.costs() == ["find", "update", "find", "update"]


async def test_an_authenticated_request_is_a_read(front: Front) -> None:
    await front.ask()
    token = await front.answer()
    assert token
    front.costs()

    assert (await front.authenticate(token)).identity.phone == a_phone()
    assert front.costs() == ["find"]
