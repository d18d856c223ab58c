"""The call that reads a code."""

import asyncio
from typing import Any, Final

import pytest

from application.features.voice.answer_call import AnswerCallCommand
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.features.voice.instructions import Gather, HangUp, Instruction, Position, Say
from domain.features.voice.step import Answered, CallEvent, CallOutcome, Continued
from domain.otp.challenge import OTP_TTL
from domain.otp.challenges import MessageChallenges
from domain.otp.phone_verification import PhoneVerification
from tests.support.app_harness import AppHarness
from tests.support.builders import a_challenge, a_phone, an_id
from tests.support.inbound_call import PHONE_LINE
from tests.support.voice.builders import a_call
from tests.support.voice.stored import stored_calls, voice_repositories

CALL_ID: Final = an_id(7)
SILENCE: Final = (HangUp(),)
ANSWERED: Final = Continued()
KEY: Final = Answered(keys="5")
CODE: Final = Position("code")


@pytest.fixture
async def app() -> AppHarness:
    """Return an app that has placed a call with the code of a challenge."""
    app = AppHarness(policy=PHONE_LINE)
    await store(app, PhoneVerification(challenges=MessageChallenges((a_challenge(),))))
    call = a_call(id=CALL_ID, direction=CallDirection.OUTBOUND, challenge_id=an_id())
    await voice_repositories(app.database).calls.add(call)
    return app


async def store(app: AppHarness, verification: PhoneVerification) -> None:
    repository = app.database.repositories().phone_verifications
    version = (await repository.load(a_phone())).version
    assert await repository.save(a_phone(), verification, version)


async def request(
    app: AppHarness, position: Position | None = None, event: CallEvent = ANSWERED, **changes: Any
) -> tuple[Instruction, ...]:
    other: dict[str, Any] = {"sid": "CA1", "phone": a_phone(), "call_id": CALL_ID} | changes
    command = AnswerCallCommand(other["sid"], other["phone"], position, event)
    return await app.voice.answer_code_call(other["call_id"], command)


def record(app: AppHarness) -> Call:
    return stored_calls(app.database)[CALL_ID].value


def said(instructions: tuple[Instruction, ...]) -> list[str]:
    return [instruction.text for instruction in instructions if isinstance(instruction, Say)]


def digits(instructions: tuple[Instruction, ...]) -> str:
    return "".join(text for text in said(instructions) if text.isdecimal())


async def test_the_code_is_read_twice_after_a_key(app: AppHarness) -> None:
    (gather,) = await request(app)
    assert isinstance(gather, Gather)
    greeting = gather.prompt[0]
    assert isinstance(greeting, Say)
    assert greeting.text.startswith("This is Dialtone. To hear the sign-in code")
    assert record(app).status is CallStatus.IN_PROGRESS

    read = await request(app, CODE, KEY)

    assert digits(read) == app.code_of(a_challenge()) * 2
    assert read[-1] == HangUp()
    assert (record(app).provider_call_id, record(app).outcome) == ("CA1", CallOutcome.CODE_READ)


@pytest.mark.parametrize("event", [Answered(), Answered(speech="leave a message")])
async def test_a_voicemail_hears_no_code(app: AppHarness, event: CallEvent) -> None:
    await request(app)

    assert await request(app, CODE, event) == SILENCE
    assert record(app).outcome is CallOutcome.CODE_NOT_READ
    assert await request(app, CODE, KEY) == SILENCE


async def test_repeated_requests_get_the_same_response_and_no_code_is_stored(
    app: AppHarness,
) -> None:
    first: tuple[Instruction, ...] = ()
    for position, event in ((None, Continued()), (CODE, KEY)):
        first, *others = await asyncio.gather(*(request(app, position, event) for _ in range(3)))
        assert others == [first] * 2
        assert await request(app, position, Answered()) == first

    assert digits(first) == app.code_of(a_challenge()) * 2
    assert len(record(app).turns) == 2
    assert app.code_of(a_challenge()) not in repr(stored_calls(app.database))


@pytest.mark.parametrize(
    "arguments",
    [{"call_id": an_id(8)}, {"phone": a_phone(2)}, {"sid": "CA2"}],
    ids=["unknown call", "another phone", "another call of the provider"],
)
async def test_other_calls_hear_nothing_and_change_nothing(
    app: AppHarness, arguments: dict[str, str]
) -> None:
    await request(app)
    before = record(app)
    for position, event in ((None, Continued()), (CODE, KEY)):
        assert await request(app, position, event, **arguments) == SILENCE

    assert record(app) == before


@pytest.mark.parametrize(
    ("change", "requests"),
    [*((change, 1) for change in ("used", "key lost", "expired", "ended")), ("blocked", 2)],
)
async def test_a_code_that_is_over_is_not_read(app: AppHarness, change: str, requests: int) -> None:
    for position, event in ((None, ANSWERED), (CODE, KEY))[:requests]:
        await request(app, position, event)
    match change:
        case "used":
            used = a_challenge(used_at=app.clock.now())
            await store(app, PhoneVerification(challenges=MessageChallenges((used,))))
        case "key lost":
            await store(
                app, PhoneVerification(challenges=MessageChallenges((a_challenge(key_id="gone"),)))
            )
        case "expired":
            app.clock.advance(OTP_TTL)
        case "ended":
            await app.report_call(CALL_ID)
        case _:
            await app.identities.operator_actions.block(a_phone())

    assert await request(app, CODE, KEY) == SILENCE
    assert (record(app).outcome is CallOutcome.CODE_READ) == (requests == 2)
