from datetime import timedelta
from typing import Final, get_args

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.voice import make_voice_repositories
from application.features.voice.ports import VoiceRepositories
from domain.cursor import Cursor
from domain.features.voice.call import Call, CallStatus
from domain.features.voice.instructions import StoredInstruction
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, an_id
from tests.support.full_records import FULL_RECORDS
from tests.support.stored_values import replace_stored, values_of
from tests.support.voice.builders import a_call, a_recording

MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)
OWNER = an_id(901)


FULL_CALL: Final[Call] = FULL_RECORDS["calls"][0]


@pytest.fixture
def repositories(database: Database) -> VoiceRepositories:
    return make_voice_repositories(database)


def test_the_full_call_has_each_kind_of_instruction() -> None:
    instructions = FULL_CALL.turns[0].instructions
    assert {type(instruction) for instruction in instructions} == {*get_args(StoredInstruction)}


@IN_MEMORY_FIRST
async def test_calls_are_listed_by_their_start_identity_recordings_and_last_request(
    repositories: VoiceRepositories,
) -> None:
    calls = repositories.calls
    old, new = a_recording(recorded_at=NOW - MINUTE), a_recording(id="new", recorded_at=NOW)
    after = a_recording(recorded_at=NOW + MILLISECOND)
    silent = a_call(
        id=an_id(1), identity_id=OWNER, started_at=NOW - 2 * MINUTE, recordings=(new, old)
    )
    ended = a_call(
        id=an_id(2), identity_id=OWNER, started_at=NOW, status=CallStatus.COMPLETED,
        recordings=(new,),
    )  # fmt: skip
    recent = a_call(
        id=an_id(3), identity_id=an_id(902), started_at=NOW - 3 * MINUTE, last_request_at=NOW
    )
    later = a_call(id=an_id(4), started_at=NOW + MILLISECOND, recordings=(after,))
    for call in (ended, recent, later, silent):
        assert await calls.add(call)

    assert list(await calls.list_after(None, None, 9)) == [later, ended, silent, recent]
    assert list(await calls.list_after(None, Cursor(NOW, ended.id), 1)) == [silent]
    assert list(await calls.list_after(OWNER, None, 9)) == [ended, silent]
    for find, expected in (
        (calls.list_started, [recent, silent, ended]),
        (calls.list_recorded, [silent, ended]),
        (calls.list_unfinished, [silent, recent]),
    ):
        assert values_of(await find(NOW, 9)) == expected
        assert values_of(await find(NOW, 1)) == expected[:1]

    assert sorted(call.id for call in values_of(await calls.list_of_identity(OWNER, 9))) == [
        silent.id, ended.id,
    ]  # fmt: skip
    forgotten = silent.forget_identity()
    await replace_stored(calls, forgotten)
    assert values_of(await calls.list_of_identity(OWNER, 9)) == [ended]
    # Its recordings are due at once, until they are removed.
    assert values_of(await calls.list_recorded(NOW - timedelta(days=30), 9)) == [forgotten]
    for recording in (new, old):
        forgotten = forgotten.remove_recording(recording.id)
    await replace_stored(calls, forgotten.advance_status(CallStatus.BUSY, NOW))
    assert values_of(await calls.list_recorded(NOW, 9)) == [ended]
    assert values_of(await calls.list_unfinished(NOW, 9)) == [recent]
