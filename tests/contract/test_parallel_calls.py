"""Requests of a call that arrive at the same moment have one effect, on all databases."""

from dataclasses import replace

import pytest

from adapters.databases.records.features.voice import make_voice_repositories
from domain.features.voice.call import Call
from domain.features.voice.step import CallOutcome, DialResult
from domain.identities.identity import Identity
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.inbound_call import PHONE_LINE, RepeatedCall, another_instance
from tests.support.repositories import OpenRepositories

pytestmark = IN_MEMORY_FIRST

COPIES = 6


@pytest.fixture
def call(repositories: OpenRepositories, other_repositories: OpenRepositories) -> RepeatedCall:
    app = AppHarness(repositories=repositories, policy=PHONE_LINE)
    return RepeatedCall(app, other=another_instance(app, other_repositories), copies=COPIES)


async def record(repositories: OpenRepositories, call: RepeatedCall) -> Call:
    loaded = await make_voice_repositories(repositories.stores).calls.load(call.id)
    assert loaded
    return loaded.value


async def identity_of(repositories: OpenRepositories) -> Identity:
    verification = (await repositories.phone_verifications.load(a_phone())).value
    assert verification.identity_id
    loaded = await repositories.identities.load(verification.identity_id)
    assert loaded
    return loaded.value


async def test_a_caller_joins_leaves_feedback_and_leaves_once(
    repositories: OpenRepositories, call: RepeatedCall
) -> None:
    await call.ring()
    await call.press("1")
    await call.stay_on_the_line()
    await call.end_dial(DialResult.BUSY)
    await call.press("1")
    await call.leave_recording("RE1", 7)

    joined = await record(repositories, call)
    assert (joined.outcome, len(joined.recordings)) == (CallOutcome.RECORDED, 1)
    assert len(joined.turns) == len(call.sent)
    identity = await identity_of(repositories)
    assert (joined.identity_id, identity.is_verified) == (identity.id, False)

    again = replace(call, sid="CA2", sent=[])
    await again.ring()
    await again.press("3", "1")

    assert (await record(repositories, again)).outcome is CallOutcome.LEFT
    assert (await identity_of(repositories)).is_deleted
