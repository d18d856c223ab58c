"""Events by HTTP, and everything that a receiver may answer."""

import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from standardwebhooks import Webhook

from adapters.events.http_destination import TIMEOUTS, HttpDestination, open_http_destination
from adapters.http import Timeouts
from application.ports.events import Event, EventRejected
from domain.identities.user_events import EventType
from tests.support.builders import NOW, a_phone, an_id
from tests.support.certificates import CertificateAuthority
from tests.support.servers.fake_receiver import SECRET, FakeReceiver
from tests.support.servers.http_server import (
    Behavior,
    Exchange,
    close_connection,
    never_respond,
    respond_with,
)
from tests.support.servers.process import free_ports
from tests.support.tcp_server import open_tcp_server

OLD_SECRET: Final = "whsec_YW4gb2xkZXIgc2VjcmV0IG9mIHRoZSBldmVudHM="
SHORT: Final = Timeouts(connect=0.2, read=0.5, total=0.5, pool=0.1)
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
    async with open_http_destination(url, [SECRET], timeouts=SHORT) as destination:
        yield destination


async def test_an_event_is_posted_and_signed_as_documented(
    receiver: FakeReceiver, destination: HttpDestination
) -> None:
    await destination.send(EVENT)

    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/events?key=1")
    assert request.headers["Content-Type"] == "application/json"
    assert receiver.events == [
        {
            "id": EVENT.id,
            "type": "phone.changed",
            "time": "2026-05-01T09:30:00.001Z",
            "user_id": an_id(1),
        }
    ]


async def test_an_event_has_a_phone_if_it_is_given(
    receiver: FakeReceiver, destination: HttpDestination
) -> None:
    with_phone = Event(
        id=EVENT.id,
        type=EVENT.type,
        occurred_at=NOW,
        user_id=EVENT.user_id,
        phone=a_phone().e164,
    )
    await destination.send(with_phone)

    assert receiver.events[0]["phone"] == a_phone().e164


async def test_while_a_secret_is_replaced_either_verifies(receiver: FakeReceiver) -> None:
    async with open_http_destination(receiver.url, [OLD_SECRET, SECRET]) as destination:
        await destination.send(EVENT)

    (request,) = receiver.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    for secret in (OLD_SECRET, SECRET):
        assert Webhook(secret).verify(request.body, headers) == json.loads(request.body)


def endless_body(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while not exchange.wait(0.05):
        exchange.send(b"x" * 1000)


@pytest.mark.parametrize(
    "behavior",
    [respond_with(200), respond_with(299, b"x" * 70_000), respond_with(202, b"\xff"), endless_body],
)
async def test_any_2xx_accepts_an_event_with_any_body(
    receiver: FakeReceiver, destination: HttpDestination, behavior: Behavior
) -> None:
    receiver.behavior = behavior
    await destination.send(EVENT)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        (respond_with(400, b"+14155550001"), "status 400"),
        (respond_with(410), "status 410"),
        (respond_with(503), "status 503"),
        (
            respond_with(307, headers={"Location": "/elsewhere", "Content-Length": "0"}),
            "status 307: redirects are not followed",
        ),
        (never_respond, "no response"),
        (close_connection, "no response"),
    ],
)
async def test_anything_else_rejects_it_with_a_reason_and_is_not_repeated_here(
    receiver: FakeReceiver, destination: HttpDestination, behavior: Behavior, reason: str
) -> None:
    receiver.behavior = behavior
    with pytest.raises(EventRejected) as error:
        await destination.send(EVENT)

    assert str(error.value) == reason
    assert len(receiver.requests) == 1


async def test_a_receiver_that_is_not_there_or_has_a_wrong_certificate_rejects_it(
    tmp_path: Path,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CertificateAuthority(tmp_path).issue("receiver"))

    def handshake(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    (port,) = free_ports(1)
    with open_tcp_server(handshake) as tls_port:
        for url, reason in (
            (f"http://127.0.0.1:{port}", "no connection (the connection was refused"),
            (f"https://127.0.0.1:{tls_port}", "no connection (TLS: "),
        ):
            async with open_http_destination(url, [SECRET]) as destination:
                with pytest.raises(EventRejected) as error:
                    await destination.send(EVENT)
            assert str(error.value).startswith(reason)
            assert "127.0.0.1" not in str(error.value)


def test_an_attempt_ends_after_five_seconds() -> None:
    assert TIMEOUTS.total == 5
