"""A caller id is a claim: whoever forges it goes through every state, and gains nothing."""

from datetime import timedelta
from typing import Final

from domain.features.voice.instructions import CallLimits
from domain.features.voice.menu import State
from domain.features.voice.step import Answered, CallEvent, Continued, Dialed, DialResult, Recorded
from domain.otp.sliding_window import SlidingWindow
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.inbound_call import InboundCall, make_phone_line
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
]


async def app_with_user() -> AppHarness:
    """Return an app with a user who has just requested another code."""
    app = AppHarness(policy=make_phone_line(call_limits=UNLIMITED))
    await app.add_user(username=NAME)
    app.advance(hours=12)
    await app.request_otp()
    return app


async def call_in_each_state(app: AppHarness) -> list[InboundCall]:
    """Come to every state, and send every event there, in a new call for each path."""
    calls = [await InboundCall(app, sid="CA").ring()]
    seen, paths = set[str](), list[list[CallEvent]]([[]])
    for path in paths:  # it grows
        for event in EVENTS:
            call = await InboundCall(app, sid=f"CA{len(calls)}").ring()
            for sent in (*path, event):
                await call.send(call.position, sent)
            calls.append(call)
            position = call.record.position
            if position and position.state not in seen:
                seen.add(position.state)
                paths.append([*path, event])
    return calls


async def test_a_forger_reads_and_changes_nothing_in_any_state() -> None:
    app = await app_with_user()
    identities = dict(app.database.identities)
    verifications = dict(app.database.phone_verifications)
    (identity,) = (stored.value for stored in identities.values())
    code = app.last_code
    app.messenger.messages.clear()

    forged = await call_in_each_state(app)
    for call_id in stored_calls(app.database):
        await app.report_call(call_id)

    visited = {part for call in forged for part in call.record.path}
    assert visited >= {*State} - {State.JOIN, State.CONSENT, State.ANONYMOUS_MENU}
    assert "left" not in visited
    assert app.database.identities == identities
    assert app.database.phone_verifications == verifications
    assert identity.is_verified
    heard = " ".join(call.heard for call in forged)
    for secret in (NAME, identity.id, a_phone().e164, a_phone().e164[-4:], code):
        assert secret not in heard
    assert app.messenger.messages == []
    assert app.call_provider.calls == {}
    for call in stored_calls(app.database).values():
        assert not call.value.is_caller_verified
