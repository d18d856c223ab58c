"""Codes that are read in a call."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from application.otp.provider_pause import PAUSE
from application.ports.errors import StorageUnavailable
from domain.errors import DeliveryFailed, TooManyOtpRequests
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.features.voice.step import CallOutcome
from domain.otp.delivery import Channel, parse_report_id
from domain.phone import PhoneNumber
from tests.support.app_harness import CALL_URLS, AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.core_harness import WEBHOOK_URLS
from tests.support.fakes.call_provider import PlacedCall
from tests.support.fakes.messenger import REJECTED, UNKNOWN
from tests.support.voice.stored import stored_calls, voice_repositories


def app_with_phone_line(**policy: Any) -> AppHarness:
    return AppHarness(policy=make_policy(webhook_urls=WEBHOOK_URLS, **policy))


@pytest.fixture
def app() -> AppHarness:
    return app_with_phone_line()


async def request_call(app: AppHarness, phone: PhoneNumber | None = None) -> str:
    """Request a call and return the request id."""
    return (await app.request_otp(phone, channel=Channel.VOICE)).request_id


def stored_call(app: AppHarness) -> Call:
    """Return the only call."""
    (call,) = stored_calls(app.database).values()
    return call.value


async def read_code(app: AppHarness) -> None:
    """Let the only call come to its end: the code was read."""
    (call,) = stored_calls(app.database).values()
    changed = replace(call.value, outcome=CallOutcome.CODE_READ)
    await voice_repositories(app.database).calls.replace(changed, call.version)


# The call


async def test_the_phone_is_called_by_urls_that_name_the_call() -> None:
    app = app_with_phone_line(provider="the line")
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
    assert (delivery.channel, delivery.provider) == (Channel.VOICE, "the line")
    assert delivery.call_id == call.id
    assert call == Call(
        id=call.id,
        direction=CallDirection.OUTBOUND,
        started_at=app.clock.now(),
        status=CallStatus.QUEUED,
        provider_call_id=provider_call_id,
        identity_id=principal.identity.id,
        challenge_id=verification.challenges.all[-1].id,
        report_id=parse_report_id(request_id),
    )


# Results of the provider


async def test_a_call_that_is_not_placed_has_failed_and_starts_a_cooldown(app: AppHarness) -> None:
    app.call_provider.result = REJECTED
    with pytest.raises(DeliveryFailed) as error:
        await request_call(app)
    assert error.value.message == REJECTED.reason
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


# The call log


@pytest.mark.parametrize("is_of_call", [True, False])
async def test_a_login_by_the_code_of_a_call_and_not_of_a_message_marks_the_call(
    app: AppHarness, is_of_call: bool
) -> None:
    message = await app.request_otp()
    app.advance(15)
    of_call = await request_call(app)
    await read_code(app)
    await app.verify_otp(app.last_code, request_id=of_call if is_of_call else message.request_id)
    identity_id = app.database.phone_verifications[a_phone()].value.identity_id
    call = stored_call(app)
    assert (call.is_caller_verified, call.identity_id == identity_id) == (is_of_call, is_of_call)


async def test_after_three_unknown_calls_no_call_is_placed_and_a_message_is_still_sent() -> None:
    app = app_with_phone_line()
    app.call_provider.result = UNKNOWN
    for number in range(1, 4):
        assert (await app.request_otp(a_phone(number), channel=Channel.VOICE)).sent
    permits = app.database.permits
    with pytest.raises(DeliveryFailed) as error:
        await app.request_otp(a_phone(4), channel=Channel.VOICE)
    assert error.value.retry_after == PAUSE.total_seconds()
    assert (len(app.call_provider.calls), app.database.permits) == (3, permits)
    assert (await app.request_otp(a_phone(4))).sent
