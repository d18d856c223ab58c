"""The call log: statuses, pages, recordings, and what the cleanup deletes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.administration.operator import staff_member
from application.features.voice import call_log
from application.features.voice.call_log import CallDetails
from application.operations.cleanup import CleanupIncomplete, CleanupReport
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
from domain.identities.role import Role, Staff
from domain.otp.delivery import ReportedStatus
from entrypoints.features.voice.feature import VOICE
from tests.support.acts import show
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_deleted_identity, a_session, an_id, an_identity
from tests.support.voice.builders import a_call, a_recording
from tests.support.voice.stored import stored_calls, voice_repositories

MEMBER = Principal(an_identity(), a_session(), has_recent_login=True)
ADMINISTRATOR = Principal(
    an_identity(id=an_id(2), staff=Staff(Role.ADMINISTRATOR)), a_session(), has_recent_login=True
)
TIRED = replace(ADMINISTRATOR, has_recent_login=False)


def call_number(number: int, **changes: Any) -> Call:
    return a_call(id=an_id(number), started_at=NOW + timedelta(hours=number), **changes)


@pytest.mark.parametrize(
    ("status", "outcome", "reported"),
    [
        (CallStatus.COMPLETED, CallOutcome.CODE_READ, ReportedStatus.DELIVERED),
        (CallStatus.COMPLETED, CallOutcome.CODE_NOT_READ, ReportedStatus.UNDELIVERED),
        (CallStatus.NO_ANSWER, None, ReportedStatus.UNDELIVERED),
    ],
)
async def test_the_report_of_a_delivery_follows_its_call(
    app: AppHarness, status: CallStatus, outcome: CallOutcome | None, reported: ReportedStatus
) -> None:
    await add(app, call_number(1, outcome=outcome, report_id="a-report"))
    for _ in ("reported", "repeated"):
        await app.report_call(an_id(1), status)

    assert app.database.delivery_reports["a-report"].value.status is reported


async def test_members_see_their_own_calls_administrators_all_and_operators_those_of_a_user(
    app: AppHarness,
) -> None:
    calls = [call_number(number, identity_id=an_id(number % 2)) for number in range(4)]
    await add(app, *calls)

    list_calls = VOICE.of(app.use_cases).calls.list_calls
    for principal, seen in ((MEMBER, [3, 1]), (ADMINISTRATOR, [3, 2, 1, 0]), (TIRED, [])):
        page = await list_calls(principal, None, 10)
        assert [call.id for call in page.calls] == [an_id(number) for number in seen]
    user = call_number(9, identity_id=(await app.add_user()).identity.id)
    await add(app, user)
    assert (await show(app)).added.find(CallDetails) == CallDetails([user])


@pytest.fixture
async def recorded(app: AppHarness) -> AppHarness:
    recordings = (Recording("RE1", 5, NOW), Recording("RE2", 9, NOW))
    await add(app, call_number(1, identity_id=MEMBER.identity.id, recordings=recordings))
    app.call_provider.recordings = {"RE2": b"sound" * 500}
    return app


async def read(app: AppHarness, principal: Principal, number: int = 1, index: int = 1) -> bytes:
    open_recording = VOICE.of(app.use_cases).calls.open_recording
    async with open_recording(staff_member(principal), an_id(number), index) as recording:
        return b"".join([chunk async for chunk in recording.chunks])


async def test_nobody_else_hears_a_recording_and_no_other_is_found(recorded: AppHarness) -> None:
    for principal, number, index, error in (
        (MEMBER, 1, 1, Forbidden),
        (TIRED, 1, 1, ReauthenticationRequired),
        (ADMINISTRATOR, 2, 0, CallNotFound),
        (ADMINISTRATOR, 1, -1, CallRecordingNotFound),
        (ADMINISTRATOR, 1, 0, CallRecordingNotFound),
    ):
        with pytest.raises(error):
            await read(recorded, principal, number, index)


TICK = timedelta(milliseconds=1)
DAY = timedelta(days=1)


def ended_call(number: int, recordings: int = 0, **changes: Any) -> Call:
    ids = (f"RE{number}-{recording}" for recording in range(recordings))
    recorded = tuple(a_recording(id=recording_id) for recording_id in ids)
    status = CallStatus.COMPLETED
    return a_call(id=an_id(number), recordings=recorded, status=status, **changes)


async def add(app: AppHarness, *calls: Call) -> None:
    for call in calls:
        await voice_repositories(app.database).calls.add(call)
        app.call_provider.recordings |= {recording.id: b"" for recording in call.recordings}


def kept_recordings(app: AppHarness) -> list[str]:
    """Return what the calls refer to; the provider must have all of it."""
    calls = (stored.value for stored in stored_calls(app.database).values())
    kept = [recording.id for call in calls for recording in call.recordings]
    assert set(kept) <= app.call_provider.recordings.keys()
    return kept


async def test_recordings_are_deleted_after_thirty_days_and_calls_after_ninety(
    app: AppHarness,
) -> None:
    await add(app, ended_call(1, recordings=2), ended_call(2))
    app.clock.advance(30 * DAY - TICK)
    assert await app.operations.cleanup() == CleanupReport()
    app.clock.advance(TICK)
    assert await app.operations.cleanup() == CleanupReport(deleted_recordings=2)
    assert app.call_provider.recordings == {}
    app.clock.advance(60 * DAY - TICK)
    assert await app.operations.cleanup() == CleanupReport()
    app.clock.advance(TICK)
    assert await app.operations.cleanup() == CleanupReport(deleted_calls=2)
    assert stored_calls(app.database) == {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (CallStatus.IN_PROGRESS, CallStatus.COMPLETED),
        (CallStatus.RINGING, CallStatus.NO_ANSWER),
        (CallStatus.BUSY, CallStatus.BUSY),
    ],
)
async def test_a_call_whose_last_status_was_lost_ends_after_its_last_request(
    app: AppHarness, status: CallStatus, expected: CallStatus
) -> None:
    last_request_at = NOW + timedelta(minutes=3)
    call = a_call(status=status, last_request_at=last_request_at)
    await add(app, call)

    app.clock.advance(timedelta(hours=5, minutes=2))
    assert (await app.operations.cleanup())["ended_calls"] == 0
    app.clock.advance(timedelta(minutes=1))
    await app.operations.cleanup()

    ended = stored_calls(app.database)[call.id].value
    assert ended.status is expected
    assert ended.ended_at == (None if status is expected else last_request_at)


async def test_a_deleted_identity_disappears_from_the_call_log(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "BATCH_SIZE", 5)
    await app.database.repositories().identities.add(a_deleted_identity())
    own = [
        ended_call(number, recordings=1, identity_id=an_id(), is_caller_verified=True)
        for number in range(12)
    ]
    others = ended_call(21, recordings=1, identity_id=an_id(2), is_caller_verified=True)
    await add(app, *own, others)

    report = await app.operations.cleanup()

    assert report == CleanupReport(purged_identities=1, deleted_recordings=12)
    calls = [stored.value for stored in stored_calls(app.database).values()]
    assert [call.id for call in calls if call.identity_id or call.is_caller_verified] == [others.id]
    assert kept_recordings(app) == ["RE21-0"]


async def test_recordings_are_kept_while_the_provider_is_down(app: AppHarness) -> None:
    await add(app, *(ended_call(number, recordings=2) for number in range(3)), ended_call(9))
    app.call_provider.is_unavailable = True
    app.clock.advance(100 * DAY)

    assert await app.operations.cleanup() == CleanupReport(deleted_calls=1)
    assert len(kept_recordings(app)) == 6
    app.call_provider.is_unavailable = False
    assert await app.operations.cleanup() == CleanupReport(deleted_recordings=6, deleted_calls=3)


async def test_a_recording_that_cannot_be_removed_stops_no_other_step_of_calls(
    app: AppHarness,
) -> None:
    await add(app, ended_call(1, recordings=1), ended_call(9))
    app.clock.advance(100 * DAY)
    app.faults.fail_on("calls.replace", after="calls.list_recorded")

    with pytest.raises(CleanupIncomplete, match="failed: deleted recordings;") as raised:
        await app.operations.cleanup()

    assert raised.value.report == CleanupReport(deleted_calls=1)


async def test_a_provider_that_does_not_answer_is_unavailable(recorded: AppHarness) -> None:
    recorded.call_provider.is_unavailable = True
    with pytest.raises(Unavailable):
        await read(recorded, ADMINISTRATOR)
    assert recorded.database.audit_entries == []
    open_recording = replace(VOICE.of(recorded.use_cases).calls.open_recording, recordings=None)
    with pytest.raises(Unavailable):
        async with open_recording(staff_member(ADMINISTRATOR), an_id(1)):
            pass


async def test_recordings_that_cannot_be_deleted_keep_no_other_call(
    app: AppHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "BATCH_SIZE", 5)
    await add(app, *(ended_call(number, recordings=1) for number in range(12)))
    await add(app, *(ended_call(number, started_at=NOW + TICK) for number in range(12, 22)))
    clean_up = replace(VOICE.of(app.use_cases).calls.clean_up_calls, recordings=None)
    app.clock.advance(100 * DAY)

    assert (await clean_up.delete_recordings(), await clean_up.delete_calls()) == (0, 10)
    assert len(kept_recordings(app)) == 12
    assert len(caplog.messages) == 1


async def test_recordings_that_the_provider_refuses_to_delete_keep_no_later_one(
    app: AppHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "BATCH_SIZE", 2)
    await add(app, *(ended_call(number, recordings=1) for number in range(9)))
    refused = [*kept_recordings(app)][:2]
    app.call_provider.refused = {*refused}
    clean_up = VOICE.of(app.use_cases).calls.clean_up_calls
    app.clock.advance(100 * DAY)

    assert await clean_up.delete_recordings() == 7
    assert [*kept_recordings(app)] == refused
    app.call_provider.is_unavailable = True
    assert await clean_up.delete_recordings() == 0
    app.call_provider.is_unavailable, app.call_provider.refused = False, set()
    assert await clean_up.delete_recordings() == 2
