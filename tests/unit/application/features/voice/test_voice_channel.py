"""Codes that are read in a call: how one is placed, and what it says."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

import pytest

from application.features.voice.answer_call import AnswerCallCommand
from application.otp.failover import PAUSE
from application.ports.errors import StorageUnavailable
from domain.errors import DeliveryFailed, TooManyOtpRequests
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.features.voice.instructions import Gather, HangUp, Instruction, Position, Say
from domain.features.voice.step import Answered, CallEvent, CallOutcome, Continued
from domain.otp.challenge import OTP_TTL, MessageChallenges
from domain.otp.delivery import Channel, parse_report_id
from domain.otp.phone_verification import PhoneVerification
from tests.support.app_harness import CALL_URLS, AppHarness, make_policy
from tests.support.builders import a_challenge, a_phone, an_id
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.call_provider import PlacedCall
from tests.support.fakes.messenger import REJECTED, UNKNOWN
from tests.support.inbound_call import PHONE_LINE
from tests.support.voice.builders import a_call
from tests.support.voice.stored import stored_calls, voice_repositories


@pytest.fixture
def app() -> AppHarness:
    return AppHarness(policy=make_policy(webhook_urls=WEBHOOK_URLS))


async def request_call(app: AppHarness) -> str:
    """Request a call and return the request id."""
    return (await app.request_otp(channel=Channel.VOICE)).request_id


def stored_call(app: AppHarness) -> Call:
    """Return the only call."""
    (call,) = stored_calls(app.database).values()
    return call.value


async def test_the_phone_is_called_by_urls_that_name_the_call(app: AppHarness) -> None:
    principal = await app.log_in()
    app.messenger.messages.clear()
    app.advance(hours=12)
    request_id = await request_call(app)

    verification = app.database.phone_verifications[a_phone()].value
    delivery = verification.deliveries.all[-1]
    ((provider_call_id, placed),) = app.call_provider.calls.items()
    call = stored_call(app)
    status_url = CALL_URLS.call_status(call.id, app.labels_of(a_phone()))
    assert placed == PlacedCall(a_phone(), CALL_URLS.code_call(call.id), status_url)
    assert app.messenger.messages == []
    assert (delivery.channel, delivery.provider) == (Channel.VOICE, "line")
    assert (delivery.call_id, call.provider_call_id) == (call.id, provider_call_id)
    assert call.identity_id == principal.identity.id
    assert call.challenge_id == verification.challenges.all[-1].id
    assert call.report_id == parse_report_id(request_id)


async def test_a_call_that_is_not_placed_has_failed_and_starts_a_cooldown(app: AppHarness) -> None:
    app.call_provider.result = REJECTED
    with pytest.raises(DeliveryFailed):
        await request_call(app)
    assert stored_call(app).status is CallStatus.FAILED
    assert stored_call(app).ended_at == app.clock.now()
    app.call_provider.result = None
    with pytest.raises(TooManyOtpRequests):
        await app.request_otp(channel=Channel.VOICE)
    app.advance(15)
    assert (await app.request_otp(channel=Channel.VOICE)).sent


@pytest.mark.parametrize(
    ("operation", "is_placed"), [("calls.add", False), ("calls.replace", True)]
)
async def test_only_a_call_that_is_recorded_is_placed_with_or_without_provider_id(
    app: AppHarness, operation: str, is_placed: bool
) -> None:
    app.faults.fail_on(operation)
    with nullcontext() if is_placed else pytest.raises(StorageUnavailable):
        await request_call(app)
    assert app.faults.has_fired
    assert len(app.call_provider.calls) == is_placed
    assert app.database.permits["country:US:deliveries:by_call:strangers"] == is_placed
    app.advance(15)
    assert (await app.request_otp(channel=Channel.VOICE)).sent


async def test_a_provider_that_does_not_answer_may_have_placed_the_call(app: AppHarness) -> None:
    app.call_provider.hangs = True
    await request_call(app)

    assert len(app.call_provider.calls) == 1
    assert stored_call(app).provider_call_id is None


async def test_the_provider_id_does_not_overwrite_what_the_call_did_meanwhile(
    app: AppHarness,
) -> None:
    async def ring() -> None:
        await app.report_call(stored_call(app).id, CallStatus.RINGING)

    app.faults.run_before("calls.replace", ring)
    await request_call(app)
    call = stored_call(app)
    assert (call.status, call.provider_call_id) == (CallStatus.RINGING, f"CA{0:032x}")


@pytest.mark.parametrize("is_of_call", [True, False])
async def test_a_login_by_the_code_of_a_call_and_not_of_a_message_marks_the_call(
    app: AppHarness, is_of_call: bool
) -> None:
    message = await app.request_otp()
    app.advance(15)
    of_call = await request_call(app)
    (stored,) = stored_calls(app.database).values()
    changed = replace(stored.value, outcome=CallOutcome.CODE_READ)
    await voice_repositories(app.database).calls.replace(changed, stored.version)
    await app.verify_otp(app.last_code, request_id=of_call if is_of_call else message.request_id)
    identity_id = app.database.phone_verifications[a_phone()].value.identity_id
    call = stored_call(app)
    assert (call.is_caller_verified, call.identity_id == identity_id) == (is_of_call, is_of_call)


async def test_after_three_unknown_calls_no_call_is_placed_and_a_message_is_still_sent(
    app: AppHarness,
) -> None:
    app.call_provider.result = UNKNOWN
    for number in range(1, 4):
        assert (await app.request_otp(a_phone(number), channel=Channel.VOICE)).sent
    permits = app.database.permits
    with pytest.raises(DeliveryFailed) as error:
        await app.request_otp(a_phone(4), channel=Channel.VOICE)
    assert error.value.retry_after == PAUSE.total_seconds()
    assert (len(app.call_provider.calls), app.database.permits) == (3, permits)
    assert (await app.request_otp(a_phone(4))).sent


# The requests of a call that reads a code

CALL_ID: Final = an_id(7)
SILENCE: Final = (HangUp(),)
ANSWERED: Final = Continued()
KEY: Final = Answered(keys="5")
CODE: Final = Position("code")


@pytest.fixture
async def placed() -> AppHarness:
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


def digits(instructions: tuple[Instruction, ...]) -> str:
    said = [instruction.text for instruction in instructions if isinstance(instruction, Say)]
    return "".join(text for text in said if text.isdecimal())


async def test_the_code_is_read_twice_after_a_key(placed: AppHarness) -> None:
    (gather,) = await request(placed)
    assert isinstance(gather, Gather)
    greeting = gather.prompt[0]
    assert isinstance(greeting, Say)
    assert greeting.text.startswith("This is Dialtone. To hear the sign-in code")
    assert record(placed).status is CallStatus.IN_PROGRESS

    read = await request(placed, CODE, KEY)

    assert digits(read) == placed.code_of(a_challenge()) * 2
    assert read[-1] == HangUp()
    assert (record(placed).provider_call_id, record(placed).outcome) == (
        "CA1",
        CallOutcome.CODE_READ,
    )


@pytest.mark.parametrize("event", [Answered(), Answered(speech="leave a message")])
async def test_a_voicemail_hears_no_code(placed: AppHarness, event: CallEvent) -> None:
    await request(placed)

    assert await request(placed, CODE, event) == SILENCE
    assert record(placed).outcome is CallOutcome.CODE_NOT_READ
    assert await request(placed, CODE, KEY) == SILENCE


async def test_repeated_requests_get_the_same_response_and_no_code_is_stored(
    placed: AppHarness,
) -> None:
    first: tuple[Instruction, ...] = ()
    for position, event in ((None, Continued()), (CODE, KEY)):
        first, *others = await asyncio.gather(*(request(placed, position, event) for _ in range(3)))
        assert others == [first] * 2
        assert await request(placed, position, Answered()) == first

    assert digits(first) == placed.code_of(a_challenge()) * 2
    assert len(record(placed).turns) == 2
    assert placed.code_of(a_challenge()) not in repr(stored_calls(placed.database))


@pytest.mark.parametrize(
    "arguments",
    [{"call_id": an_id(8)}, {"phone": a_phone(2)}, {"sid": "CA2"}],
    ids=["unknown call", "another phone", "another call of the provider"],
)
async def test_other_calls_hear_nothing_and_change_nothing(
    placed: AppHarness, arguments: dict[str, str]
) -> None:
    await request(placed)
    before = record(placed)
    for position, event in ((None, Continued()), (CODE, KEY)):
        assert await request(placed, position, event, **arguments) == SILENCE

    assert record(placed) == before


@pytest.mark.parametrize(
    ("change", "requests"),
    [*((change, 1) for change in ("used", "key lost", "expired", "ended")), ("blocked", 2)],
)
async def test_a_code_that_is_over_is_not_read(
    placed: AppHarness, change: str, requests: int
) -> None:
    for position, event in ((None, ANSWERED), (CODE, KEY))[:requests]:
        await request(placed, position, event)
    match change:
        case "used":
            used = a_challenge(used_at=placed.clock.now())
            await store(placed, PhoneVerification(challenges=MessageChallenges((used,))))
        case "key lost":
            await store(
                placed,
                PhoneVerification(challenges=MessageChallenges((a_challenge(key_id="gone"),))),
            )
        case "expired":
            placed.clock.advance(OTP_TTL)
        case "ended":
            await placed.report_call(CALL_ID)
        case _:
            await placed.identities.operator_actions.block(a_phone())

    assert await request(placed, CODE, KEY) == SILENCE
    assert (record(placed).outcome is CallOutcome.CODE_READ) == (requests == 2)
