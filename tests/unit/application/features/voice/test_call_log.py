"""The call log: statuses, pages and recordings."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.features.voice.call_log import CallDetails, CallsFeature
from application.ports.errors import CallProviderUnavailable, StorageUnavailable
from application.principal import Principal
from domain.errors import Forbidden, ReauthenticationRequired, Unavailable
from domain.features.voice.call import (
    Call,
    CallNotFound,
    CallRecordingNotFound,
    CallStatus,
    Recording,
)
from domain.features.voice.step import CallOutcome
from domain.identities.role import Role
from domain.identities.staff import Staff
from domain.otp.delivery_report import ReportedStatus
from tests.support.acts import show
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_session, an_id, an_identity
from tests.support.voice.builders import a_call
from tests.support.voice.stored import voice_repositories

MEMBER = Principal(an_identity(), a_session(), has_recent_login=True)
ADMINISTRATOR = Principal(
    an_identity(id=an_id(2), staff=Staff(Role.ADMINISTRATOR)), a_session(), has_recent_login=True
)
TIRED = replace(ADMINISTRATOR, has_recent_login=False)


def call_number(number: int, **changes: Any) -> Call:
    return a_call(**{"id": an_id(number), "started_at": NOW + timedelta(hours=number)} | changes)


async def add(app: AppHarness, *calls: Call) -> None:
    for call in calls:
        assert await voice_repositories(app.database).calls.add(call)


# Statuses


@pytest.mark.parametrize(
    ("status", "outcome", "reported"),
    [
        (CallStatus.IN_PROGRESS, CallOutcome.CODE_READ, ReportedStatus.SENT),
        (CallStatus.COMPLETED, CallOutcome.CODE_READ, ReportedStatus.DELIVERED),
        (CallStatus.COMPLETED, CallOutcome.CODE_NOT_READ, ReportedStatus.UNDELIVERED),
        (CallStatus.NO_ANSWER, None, ReportedStatus.UNDELIVERED),
        (CallStatus.CANCELED, None, ReportedStatus.FAILED),
    ],
)
async def test_the_report_of_a_delivery_follows_its_call(
    app: AppHarness, status: CallStatus, outcome: CallOutcome | None, reported: ReportedStatus
) -> None:
    await add(app, call_number(1, outcome=outcome, report_id="a-report"))
    for _ in ("reported", "repeated"):
        await app.report_call(an_id(1), status)

    assert app.database.delivery_reports["a-report"].value.status is reported


async def test_a_report_that_was_not_saved_is_saved_by_the_repetition(app: AppHarness) -> None:
    await add(app, call_number(1, report_id="a-report"))
    app.faults.fail_on("delivery_reports.add")
    with pytest.raises(StorageUnavailable):
        await app.report_call(an_id(1), CallStatus.BUSY)
    await app.report_call(an_id(1), CallStatus.BUSY)

    assert app.database.delivery_reports["a-report"].value.status is ReportedStatus.UNDELIVERED


# Pages


async def test_members_see_their_own_calls_and_administrators_all(app: AppHarness) -> None:
    calls = [call_number(number, identity_id=an_id(number % 2)) for number in range(4)]
    await add(app, *calls)

    list_calls = app.use_cases.of(CallsFeature).list_calls
    for principal, seen in ((MEMBER, [3, 1]), (ADMINISTRATOR, [3, 2, 1, 0]), (TIRED, [])):
        page = await list_calls(principal, None, 10)
        assert [call.id for call in page.calls] == [an_id(number) for number in seen]


async def test_operators_see_the_last_calls_of_a_user(app: AppHarness) -> None:
    call = call_number(1, identity_id=(await app.add_user()).identity.id)
    await add(app, call)
    assert (await show(app)).parts.find(CallDetails) == CallDetails([call])


# Recordings of administrators


@pytest.fixture
async def recorded(app: AppHarness) -> AppHarness:
    recordings = (Recording("RE1", 5, NOW), Recording("RE2", 9, NOW))
    await add(app, call_number(1, identity_id=MEMBER.identity.id, recordings=recordings))
    app.call_provider.recordings = {"RE2": b"sound" * 500}
    return app


async def read(app: AppHarness, principal: Principal, number: int = 1, index: int = 1) -> bytes:
    open_recording = app.use_cases.of(CallsFeature).open_recording
    async with open_recording(principal, an_id(number), index) as recording:
        return b"".join([chunk async for chunk in recording.chunks])


@pytest.mark.parametrize(
    ("principal", "number", "index", "error"),
    [
        (MEMBER, 1, 1, Forbidden),
        (TIRED, 1, 1, ReauthenticationRequired),
        (ADMINISTRATOR, 2, 0, CallNotFound),
        (ADMINISTRATOR, 1, -1, CallRecordingNotFound),
        (ADMINISTRATOR, 1, 0, CallRecordingNotFound),
    ],
)
async def test_nobody_else_hears_a_recording_and_no_other_is_found(
    recorded: AppHarness, principal: Principal, number: int, index: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await read(recorded, principal, number, index)


async def test_whoever_reads_only_the_size_of_a_recording_is_not_in_the_audit(
    recorded: AppHarness,
) -> None:
    open_recording = recorded.use_cases.of(CallsFeature).open_recording
    async with open_recording(ADMINISTRATOR, an_id(1), 1, is_heard=False) as recording:
        assert recording.size == 2500
    assert recorded.database.audit_entries == []
    await read(recorded, ADMINISTRATOR)
    assert len(recorded.database.audit_entries) == 1


async def test_a_provider_that_does_not_answer_is_unavailable(recorded: AppHarness) -> None:
    recorded.call_provider.is_unavailable = True
    with pytest.raises(Unavailable):
        await read(recorded, ADMINISTRATOR)
    assert recorded.database.audit_entries == []
    open_recording = replace(recorded.use_cases.of(CallsFeature).open_recording, recordings=None)
    with pytest.raises(Unavailable):
        async with open_recording(ADMINISTRATOR, an_id(1)):
            pass


async def test_an_administrator_hears_a_recording_or_its_error(recorded: AppHarness) -> None:
    assert await read(recorded, ADMINISTRATOR) == b"sound" * 500
    open_recording = recorded.use_cases.of(CallsFeature).open_recording
    async with open_recording(ADMINISTRATOR, an_id(1), 1) as recording:
        await anext(recording.chunks)
        recorded.call_provider.is_unavailable = True
        with pytest.raises(CallProviderUnavailable):
            await anext(recording.chunks)
