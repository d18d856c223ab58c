"""Questions and events by HTTP, and everything that a hook may respond."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from standardwebhooks import Webhook

from adapters.hooks.events import TIMEOUTS, HttpDestination, open_http_destination
from adapters.hooks.login_hook import HttpLoginHook, open_http_login_hook
from application.features.events.send_events import Event
from application.features.login_hook import LoginHookFailed, LoginInquiry
from application.identities.additions import AllowLogin, RejectLogin
from domain.identities.user_events import EventType
from domain.otp.delivery import Channel
from tests.support.builders import NOW, a_phone, an_id
from tests.support.servers.fake_hook import EVENTS_SECRET, FakeReceiver
from tests.support.servers.http_server import Behavior, HttpServer, respond_with
from tests.support.timeouts import LONG

# Questions to a hook by HTTP, and everything that it may respond

SECRET: Final = "whsec_bG9naW5zIG9mIHVzZXJzLCBmb3IgdGVzdHM="
NEW_SECRET: Final = "whsec_YSBuZXdlciBzZWNyZXQgb2YgdGhlIGxvZ2lucyE="
INQUIRY: Final = LoginInquiry(
    id="0f" * 16,
    asked_at=NOW + timedelta(microseconds=1_234),
    user_id=an_id(1),
    external_id="customer-7",
    channel=Channel.VOICE,
    country="US",
    device="Pixel 9",
    is_device_recognized=True,
)
ALLOW: Final = b'{"decision": "allow"}'


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(respond_with(200, ALLOW)) as server:
        yield server


@pytest.fixture
async def hook(server: HttpServer) -> AsyncIterator[HttpLoginHook]:
    url = f"{server.url}/login?key=1"
    # The hook still verifies with the former secret.
    secrets = [NEW_SECRET, SECRET]
    async with open_http_login_hook("the hook", url, secrets, timeouts=LONG) as hook:
        yield hook


def read(server: HttpServer) -> Any:
    """Return the last question, whose signature is valid."""
    request = server.requests[-1]
    assert (request.method, request.path) == ("POST", "/login?key=1")
    assert request.headers["Content-Type"] == "application/json"
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Webhook(SECRET).verify(request.body, headers)


async def test_a_question_is_posted_and_signed_as_documented(
    server: HttpServer, hook: HttpLoginHook
) -> None:
    assert await hook.ask(INQUIRY) == AllowLogin()
    question = {
        "type": "login.pending",
        "timestamp": "2026-05-01T09:30:00.001Z",
        "data": {
            "user_id": an_id(1),
            "external_id": "customer-7",
            "channel": "voice",
            "country": "US",
            "device": "Pixel 9",
            "is_device_recognized": True,
        },
    }
    assert read(server) == question
    assert server.requests[-1].headers["webhook-id"] == f"login_{INQUIRY.id}"

    phone = a_phone().e164
    new = replace(INQUIRY, user_id=None, external_id=None, device="\ud800", phone=phone)
    await hook.ask(new)
    read_new = read(server)["data"]
    assert (read_new["user_id"], read_new["external_id"]) == (None, None)
    assert (read_new["device"], read_new["phone"]) == ("?", phone)

    assert await hook.check() == "allow"
    test = read(server)
    assert test["type"] == "login.test"
    assert test["data"].keys() == question["data"].keys()  # type: ignore[attr-defined]
    assert server.requests[-1].headers["webhook-id"].startswith("login_test_")


@pytest.mark.parametrize(
    ("response", "decision"),
    [
        ({"decision": "allow", "more": 1}, AllowLogin()),
        ({"decision": "allow", "claims": {"a": ["x" * 500]}}, AllowLogin({"a": ["x" * 500]})),
        ({"decision": "reject", "text": "Not today."}, RejectLogin("Not today.")),
        ({"decision": "reject"}, RejectLogin("")),
    ],
)
async def test_a_decision_is_read(
    server: HttpServer, hook: HttpLoginHook, response: Any, decision: AllowLogin | RejectLogin
) -> None:
    server.behavior = respond_with(200, json.dumps(response).encode())
    assert await hook.ask(INQUIRY) == decision


NONE: Final = "its response is no decision in JSON"
FAILURES: Final = [
    (respond_with(400, ALLOW), "status 400"),
    (
        respond_with(307, headers={"Location": "/elsewhere", "Content-Length": "0"}),
        "status 307: redirects are not followed",
    ),
    (respond_with(200, b'{"decision": "Allow"}'), NONE),
    (respond_with(200, b'{"decision": "allow", "claims": {"a": "\\ud800"}}'), NONE),
    (
        respond_with(200, b'{"decision": "allow", "claims": {"a": "%s"}}' % (b"x" * 505)),
        "its claims have 513 bytes, more than 512",
    ),
]


@pytest.mark.parametrize(("behavior", "reason"), FAILURES)
async def test_anything_else_is_no_decision_and_the_log_says_why(
    server: HttpServer,
    hook: HttpLoginHook,
    behavior: Behavior,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.behavior = behavior
    with caplog.at_level(logging.WARNING), pytest.raises(LoginHookFailed) as error:
        await hook.ask(INQUIRY)

    assert str(error.value).startswith(f"the login hook did not decide: {reason}")
    [line] = [record.msg for record in caplog.records if record.levelno == logging.WARNING]
    assert line == {
        "event": "login_hook_failed",
        "provider": "the hook",
        "webhook_id": f"login_{INQUIRY.id}",
        "reason": str(error.value),
    }
    assert len(server.requests) == 1


async def test_a_hook_that_is_not_there_does_not_decide(
    server: HttpServer, hook: HttpLoginHook
) -> None:
    server.stop_listening()

    with pytest.raises(
        LoginHookFailed, match=r"no connection \(the connection was refused"
    ) as error:
        await hook.ask(INQUIRY)
    assert "key=1" not in str(error.value)


# Events by HTTP, and everything that a receiver may answer

NEW_EVENTS_SECRET: Final = "whsec_YSBuZXdlciBzZWNyZXQgb2YgdGhlIGV2ZW50cyE="
EVENT: Final = Event(
    id=f"evt_{an_id(1)}_7",
    type=EventType.PHONE_CHANGED,
    occurred_at=NOW + timedelta(microseconds=1_234),
    user_id=an_id(1),
)


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as receiver:
        yield receiver


@pytest.fixture
async def destination(receiver: FakeReceiver) -> AsyncIterator[HttpDestination]:
    url = f"{receiver.url}/events?key=1"
    # The receiver still verifies with the former secret.
    async with open_http_destination(
        url, [NEW_EVENTS_SECRET, EVENTS_SECRET], timeouts=LONG
    ) as destination:
        yield destination


async def test_an_event_is_posted_and_signed_as_documented(
    receiver: FakeReceiver, destination: HttpDestination
) -> None:
    await destination.send(EVENT)
    await destination.send(replace(EVENT, phone=a_phone().e164))

    request = receiver.requests[0]
    assert (request.method, request.path) == ("POST", "/events?key=1")
    assert request.headers["Content-Type"] == "application/json"
    event = {
        "id": EVENT.id,
        "type": "phone.changed",
        "time": "2026-05-01T09:30:00.001Z",
        "user_id": an_id(1),
    }
    assert receiver.events == [event, event | {"phone": a_phone().e164}]
    assert TIMEOUTS.total == 5
