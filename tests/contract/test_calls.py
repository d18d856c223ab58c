from collections.abc import Sequence
from datetime import timedelta
from typing import Final, get_args

import pytest

from adapters.records.database import Database
from adapters.records.features.voice import make_voice_repositories
from application.ports.voice import VoiceRepositories
from domain.cursor import Cursor
from domain.voice.call import Call, CallStatus
from domain.voice.instructions import StoredInstruction
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


async def add_calls(repositories: VoiceRepositories, *calls: Call) -> None:
    for call in calls:
        assert await repositories.calls.add(call)


# What is stored.


def test_the_full_call_has_each_kind_of_instruction() -> None:
    instructions = FULL_CALL.turns[0].instructions
    assert {type(instruction) for instruction in instructions} == {*get_args(StoredInstruction)}


# Pages.


def a_call_log() -> list[Call]:
    """Return 30 calls of two identities and of nobody. Their ages are mixed, and some are equal."""
    return [
        a_call(
            id=an_id(number * 7 % 30),
            identity_id=(OWNER, an_id(902), None)[number % 3],
            started_at=NOW + number * 5 % 11 * MINUTE,
        )
        for number in range(30)
    ]


def newest_first(calls: Sequence[Call], identity_id: str | None) -> list[Call]:
    listed = [call for call in calls if identity_id in (None, call.identity_id)]
    return sorted(listed, key=lambda call: (call.started_at, call.id), reverse=True)


@pytest.mark.parametrize("identity_id", [None, OWNER, an_id(903)])
async def test_calls_are_listed_newest_first_and_once(
    repositories: VoiceRepositories, identity_id: str | None
) -> None:
    pages, calls = repositories.calls, a_call_log()
    await add_calls(repositories, *calls)
    expected = newest_first(calls, identity_id)

    listed: list[Call] = []
    cursor = None
    while page := await pages.list_after(identity_id, cursor, 4):
        listed += page
        cursor = Cursor(listed[-1].started_at, listed[-1].id)

    assert listed == list(await pages.list_after(identity_id, None, 100)) == expected
    # A cursor needs no call.
    for at, call_id, count in (
        (NOW + timedelta(days=1), an_id(), len(expected)),
        (NOW, "0" * 24, 0),
        (NOW - MINUTE, "f" * 24, 0),
    ):
        assert len(await pages.list_after(identity_id, Cursor(at, call_id), 100)) == count


# Cleanup.


async def test_calls_that_started_by_then_are_listed_oldest_first(
    repositories: VoiceRepositories,
) -> None:
    at_that_time, before, later = (
        a_call(id=an_id(number), started_at=NOW + age)
        for number, age in enumerate((timedelta(), -MINUTE, MILLISECOND))
    )
    await add_calls(repositories, at_that_time, before, later)

    listed = await repositories.calls.list_started(NOW, 10)

    assert values_of(listed) == [before, at_that_time]
    assert values_of(await repositories.calls.list_started(NOW, 1)) == [before]


async def test_the_calls_of_an_identity_are_listed_until_that_is_forgotten(
    repositories: VoiceRepositories,
) -> None:
    own, other = a_call(id=an_id(1), identity_id=OWNER), a_call(id=an_id(2), identity_id=an_id(902))
    await add_calls(repositories, own, other, a_call(id=an_id(3)))

    assert values_of(await repositories.calls.list_of_identity(OWNER, 2)) == [own]

    await replace_stored(repositories.calls, own.forget_identity())
    assert list(await repositories.calls.list_of_identity(OWNER, 2)) == []


async def test_calls_with_recordings_are_listed_by_the_time_of_the_oldest(
    repositories: VoiceRepositories,
) -> None:
    old, new = a_recording(recorded_at=NOW - MINUTE), a_recording(id="new", recorded_at=NOW)
    with_new = a_call(id=an_id(1), recordings=(new,))
    with_both = a_call(id=an_id(2), recordings=(new, old))
    later = a_call(id=an_id(3), recordings=(a_recording(recorded_at=NOW + MILLISECOND),))
    await add_calls(repositories, with_new, with_both, later, a_call(id=an_id(4)))

    listed = await repositories.calls.list_recorded(NOW, 10)

    assert values_of(listed) == [with_both, with_new]
    assert values_of(await repositories.calls.list_recorded(NOW, 1)) == [with_both]


async def test_calls_without_an_end_are_listed_by_their_last_request(
    repositories: VoiceRepositories,
) -> None:
    silent = a_call(id=an_id(1), started_at=NOW - MINUTE)
    recent = a_call(id=an_id(2), started_at=NOW - 2 * MINUTE, last_request_at=NOW)
    later = a_call(id=an_id(3), started_at=NOW + MILLISECOND)
    ended = a_call(id=an_id(4), started_at=NOW - MINUTE, status=CallStatus.COMPLETED)
    await add_calls(repositories, recent, silent, later, ended)
    find = repositories.calls.list_unfinished

    assert values_of(await find(NOW, 10)) == [silent, recent]
    assert values_of(await find(NOW, 1)) == [silent]
    await replace_stored(repositories.calls, silent.advance_status(CallStatus.BUSY, NOW))
    assert values_of(await find(NOW, 10)) == [recent]


async def test_recordings_of_a_deleted_identity_are_listed_at_once_until_they_are_removed(
    repositories: VoiceRepositories,
) -> None:
    call = a_call(identity_id=OWNER, recordings=(a_recording(),))
    await add_calls(repositories, call)
    await replace_stored(repositories.calls, call.forget_identity())

    [found] = await repositories.calls.list_recorded(NOW - timedelta(days=30), 10)
    assert found.value == call.forget_identity()

    removed = found.value.remove_recording(a_recording().id)
    assert await repositories.calls.replace(removed, found.version)
    assert list(await repositories.calls.list_recorded(NOW, 10)) == []
