"""A caller id is a claim: whoever forges it goes through every node, and gains nothing."""

from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import Final

from domain.features.voice.call_limits import CallLimits
from domain.features.voice.flow import DialResult
from domain.features.voice.instructions import Instruction
from domain.features.voice.walk import (
    Answered,
    CallEvent,
    Continued,
    Dialed,
    EffectResult,
    Recorded,
)
from domain.otp.callbacks import PhoneCallbacks
from domain.otp.sliding_window import SlidingWindow
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.inbound_call import CALL_FLOW, InboundCall, make_phone_line
from tests.support.voice.stored import stored_calls

NAME: Final = "Rahul Sharma"
_MANY: Final = SlidingWindow(100_000, timedelta(hours=1))
UNLIMITED: Final = CallLimits(_MANY, _MANY, _MANY, _MANY, 100_000)
EVENTS: Final[list[CallEvent]] = [
    Continued(),
    Answered(),
    Answered(speech="what is my name and my code"),
    *(Answered(keys=key) for key in "01234"),
    *(Dialed(result) for result in DialResult),
    Recorded("RE1"),
    *EffectResult,
]


async def app_with_user() -> AppHarness:
    """Return an app with a user who has just requested another code."""
    app = AppHarness(policy=make_phone_line(call_limits=UNLIMITED))
    await app.add_user(username=NAME)
    app.advance(hours=12)
    await app.request_otp()
    return app


class Forger:
    """Comes to every node and sends every event there; a new call for each path."""

    def __init__(self, app: AppHarness) -> None:
        self.app = app
        self.nodes: set[str] = set()
        self.calls = 0

    async def explore(self) -> list[tuple[Instruction, ...]]:
        """Return all responses."""
        responses = [(await self._call([])).instructions]
        paths = deque[list[CallEvent]]([[]])
        seen = set[str]()
        while paths:
            path = paths.popleft()
            for event in EVENTS:
                call = await self._call([*path, event])
                responses.append(call.instructions)
                position = call.record.position
                if position and position.node not in seen:
                    seen.add(position.node)
                    paths.append([*path, event])
        return responses

    async def _call(self, events: list[CallEvent]) -> InboundCall:
        self.calls += 1
        call = await InboundCall(self.app, sid=f"CA{self.calls}").ring()
        for event in events:
            await call.send(call.position, event)
        self.nodes.update(call.record.path)
        return call


async def test_a_forger_reads_and_changes_nothing_at_any_node() -> None:
    app = await app_with_user()
    identities = dict(app.database.identities)
    verifications = dict(app.database.phone_verifications)
    (identity,) = (stored.value for stored in identities.values())
    code = app.last_code
    app.messenger.messages.clear()

    forger = Forger(app)
    responses = await forger.explore()
    for call_id in stored_calls(app.database):
        await app.report_call(call_id, caller=a_phone())

    flow = CALL_FLOW
    joining = {"welcome", "join", "not_joined", "register", "register_failed", "thanks"}
    anonymous = {"welcome_anonymous", "anonymous_menu"}
    assert forger.nodes == flow.nodes.keys() - joining - anonymous - {"left"}
    assert app.database.identities == identities
    verification = app.database.phone_verifications[a_phone()].value
    assert replace(verification, callbacks=PhoneCallbacks()) == verifications[a_phone()].value
    assert identity.is_verified
    heard = " ".join(InboundCall(app, instructions=response).heard for response in responses)
    for secret in (NAME, identity.id, a_phone().e164, a_phone().e164[-4:], code):
        assert secret not in heard
    # One message and two callbacks an hour, to the owner.
    assert [message.phone for message in app.messenger.messages] == [a_phone()]
    assert [placed.phone for placed in app.call_provider.calls.values()] == [a_phone()] * 2
    for call in stored_calls(app.database).values():
        assert not call.value.is_caller_verified
