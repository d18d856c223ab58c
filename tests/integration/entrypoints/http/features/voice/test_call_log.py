"""The call log and its recordings over HTTP, and what a user said on the phone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.features.voice.call import CallStatus
from domain.features.voice.step import CallOutcome
from domain.identities.identity import Consent
from domain.identities.role import Role
from tests.integration.entrypoints.http.features.voice.webhooks import SETTINGS
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone, an_id
from tests.support.client import bearer
from tests.support.http_app import open_http_client
from tests.support.voice.builders import a_call, a_recording
from tests.support.voice.stored import voice_repositories

CONTENT = bytes(range(256)) * 10


Client = tuple[AppHarness, httpx.AsyncClient, str]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """The application, a client with an administrator's token, and the id of the caller."""
    harness = AppHarness()
    owner = await harness.log_in(a_phone(1))
    administrator = await harness.log_in(a_phone(2))
    change_role = harness.identities.operator_actions.change_role
    await change_role(administrator.identity.id, Role.ADMINISTRATOR)
    harness.call_provider.recordings[a_recording().id] = CONTENT
    async with open_http_client(harness.use_cases, SETTINGS) as http:
        http.headers.update(bearer(await harness.access_token(a_phone(2))))
        yield harness, http, owner.identity.id


async def add_call(harness: AppHarness, number: int = 1, **changes: Any) -> str:
    """Add a call that started `number` minutes after the first; return its id."""
    call = a_call(id=an_id(number), started_at=NOW + timedelta(minutes=number), **changes)
    assert await voice_repositories(harness.database).calls.add(call)
    return call.id


async def test_only_administrators_are_shown_the_recordings_of_a_call(
    client: Client,
) -> None:
    harness, http, owner_id = client
    await add_call(
        harness,
        identity_id=owner_id,
        status=CallStatus.NO_ANSWER,
        outcome=CallOutcome.OPERATOR_UNAVAILABLE,
        ended_at=NOW + timedelta(minutes=2),
        path=("welcome_back", "main_menu"),
        recordings=(a_recording(),),
    )

    await add_call(harness, 2, identity_id=None)
    owner = bearer(await harness.access_token(a_phone(1)))
    own = (await http.get("/calls", headers=owner)).json()
    of_nobody, call = (await http.get("/calls")).json()["calls"]

    shown = {
        "id": an_id(1),
        "direction": "inbound",
        "status": "no-answer",
        "outcome": "operator_unavailable",
        "started_at": "2026-05-01T09:31:00.000Z",
        "ended_at": "2026-05-01T09:32:00.000Z",
        "duration_seconds": 60,
        "path": ["welcome_back", "main_menu"],
        "user_id": owner_id,
        "caller_verified": False,
    }
    assert own == {"calls": [shown], "next_cursor": None}
    recordings = [{"duration_seconds": 7, "recorded_at": "2026-05-01T09:30:00.000Z"}]
    assert call == {**shown, "recordings": recordings}
    assert (of_nobody["user_id"], of_nobody["recordings"]) == (None, [])
    # It has not ended yet.
    assert (of_nobody["status"], of_nobody["outcome"]) == ("queued", None)
    assert (of_nobody["ended_at"], of_nobody["duration_seconds"]) == (None, None)


async def test_a_recording_is_streamed_to_administrators(client: Client) -> None:
    harness, http, _ = client
    call_id = await add_call(harness, recordings=(a_recording(id="RE9"), a_recording()))
    path = f"/calls/{call_id.upper()}/recording?index=1"

    response = await http.get(path)

    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["content-type"] == "audio/mpeg"
    assert response.headers["content-length"] == str(len(CONTENT))
    assert response.headers["content-disposition"] == (
        f'attachment; filename="call-{call_id}-1.mp3"'
    )
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


async def test_users_see_what_was_agreed_to_with_their_number(client: Client) -> None:
    harness, http, owner_id = client
    owner = bearer(await harness.access_token(a_phone(1)))
    identities = harness.database.repositories().identities
    body = {"username": "Rahul", "number": a_phone(1).e164}
    await http.post("/users", json=body, headers=owner)
    assert "spoken_consent" not in (await http.get("/users/me", headers=owner)).json()
    loaded = await identities.load(owner_id)
    assert loaded is not None
    consent = Consent("You agree to our terms.", "en-US", NOW)
    await identities.replace(replace(loaded.value, consent=consent), loaded.version)

    own = await http.get("/users/me", headers=owner)
    other = await http.get(f"/users/{owner_id}")

    assert own.json()["spoken_consent"] == {
        "wording": "You agree to our terms.",
        "language": "en-US",
        "given_at": "2026-05-01T09:30:00.000Z",
    }
    assert "spoken_consent" not in other.json()
