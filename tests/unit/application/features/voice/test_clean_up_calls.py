"""The cleanup deletes calls and recordings when their time is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.features.voice import call_log
from application.features.voice.call_log import CallsFeature
from application.operations.cleanup import CleanupReport
from domain.features.voice.call import Call, CallStatus
from tests.support.app_harness import AppHarness
from tests.support.at_each_operation import Act, at_each_operation
from tests.support.builders import NOW, a_deleted_identity, an_id
from tests.support.voice.builders import a_call, a_recording
from tests.support.voice.stored import stored_calls, voice_repositories

TICK = timedelta(milliseconds=1)
DAY = timedelta(days=1)


def call_number(number: int, recordings: int = 0, **changes: Any) -> Call:
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
    await add(app, call_number(1, recordings=2), call_number(2))
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


async def test_only_old_recordings_of_a_call_are_deleted_even_if_the_provider_has_none(
    app: AppHarness,
) -> None:
    recordings = (a_recording(id="RE-old"), a_recording(id="RE-new", recorded_at=NOW + DAY))
    await add(app, a_call(recordings=recordings, status=CallStatus.COMPLETED))
    del app.call_provider.recordings["RE-old"]
    app.clock.advance(30 * DAY)

    assert await app.operations.cleanup() == CleanupReport(deleted_recordings=1)
    assert kept_recordings(app) == ["RE-new"]


async def test_recordings_are_kept_while_the_provider_is_down(app: AppHarness) -> None:
    await add(app, *(call_number(number, recordings=2) for number in range(3)), call_number(9))
    app.call_provider.is_unavailable = True
    app.clock.advance(100 * DAY)

    assert await app.operations.cleanup() == CleanupReport(deleted_calls=1)
    assert len(kept_recordings(app)) == 6
    app.call_provider.is_unavailable = False
    assert await app.operations.cleanup() == CleanupReport(deleted_recordings=6, deleted_calls=3)


async def test_recordings_that_cannot_be_deleted_keep_no_other_call(
    app: AppHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "BATCH_SIZE", 5)
    await add(app, *(call_number(number, recordings=1) for number in range(12)))
    await add(app, *(call_number(number, started_at=NOW + TICK) for number in range(12, 22)))
    calls = app.use_cases.of(CallsFeature)
    app.clock.advance(100 * DAY)
    report = await replace(calls.clean_up_calls, recordings=None)()

    assert +CleanupReport(report) == CleanupReport(deleted_calls=10)
    assert len(kept_recordings(app)) == 12
    assert len(caplog.messages) == 1


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
    await voice_repositories(app.database).calls.add(call)

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
        call_number(number, recordings=1, identity_id=an_id(), is_caller_verified=True)
        for number in range(12)
    ]
    others = call_number(21, recordings=1, identity_id=an_id(2), is_caller_verified=True)
    await add(app, *own, others)

    report = await app.operations.cleanup()

    assert report == CleanupReport(purged_identities=1, deleted_recordings=12)
    calls = [stored.value for stored in stored_calls(app.database).values()]
    assert [call.id for call in calls if call.identity_id or call.is_caller_verified] == [others.id]
    assert kept_recordings(app) == ["RE21-0"]


async def test_an_interrupted_cleanup_is_completed_by_the_next() -> None:
    async def start() -> tuple[AppHarness, Act]:
        app = AppHarness()
        await app.database.repositories().identities.add(a_deleted_identity())
        of_identity = call_number(1, recordings=2, identity_id=an_id())
        await add(app, of_identity, call_number(2, recordings=1))
        app.clock.advance(90 * DAY)
        return app, app.operations.cleanup

    async for app, clean_up in at_each_operation(start):
        await clean_up()

        assert stored_calls(app.database) == {}
        assert app.call_provider.recordings == {}
        assert all(stored.value.purged_at for stored in app.database.identities.values())
