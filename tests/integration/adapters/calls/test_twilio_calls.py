"""Calls and recordings by Twilio, and everything that can happen to a request."""

from collections.abc import AsyncIterator

import pytest

from adapters.messages.twilio.voice.calls import TwilioCallClient, TwilioCalls, open_twilio_calls
from adapters.shared.http import NoResponse, open_transport
from application.ports.errors import CallProviderUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus
from tests.support.builders import a_phone
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import Behavior, Exchange, HttpServer, respond_with
from tests.support.timeouts import LONG

PHONE = a_phone()
NUMBER = "+15005550006"
URL = "https://dialtone.example.org/voice/outbound/4f2a"
STATUS_URL = "https://dialtone.example.org/voice/status"
RECORDING_SID = "RE" + "0a" * 16
AUDIO = {"Content-Type": "audio/mpeg"}


@pytest.fixture
async def calls(twilio: FakeTwilio) -> AsyncIterator[TwilioCalls]:
    async with open_twilio_calls(
        twilio.account_sid, twilio.auth_token, caller_id=NUMBER, api_base=twilio.url, timeouts=LONG
    ) as calls:
        yield calls


async def place(calls: TwilioCalls) -> DeliveryResult:
    return await calls.place_call(PHONE, URL, STATUS_URL)


async def read(calls: TwilioCalls, recording_sid: str = RECORDING_SID) -> bytes:
    async with calls.open_recording(recording_sid) as recording:
        return b"".join([chunk async for chunk in recording.chunks])


async def test_a_call_is_placed_as_twilio_documents_it(
    twilio: FakeTwilio, calls: TwilioCalls
) -> None:
    result = await place(calls)

    [placed] = twilio.placed
    assert result == DeliveryResult(DeliveryStatus.ACCEPTED, provider_call_id=placed.sid)
    [request] = twilio.requests
    assert request.method == "POST"
    assert request.path == f"/2010-04-01/Accounts/{twilio.account_sid}/Calls.json"
    assert request.credentials == (twilio.account_sid, twilio.auth_token)
    # The TwiML is never a part of the request, and no machine is detected.
    assert sorted(request.fields) == [
        ("From", NUMBER),
        ("Method", "POST"),
        ("StatusCallback", STATUS_URL),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackMethod", "POST"),
        ("TimeLimit", "180"),
        ("Timeout", "30"),
        ("To", PHONE.e164),
        ("Url", URL),
    ]


async def test_a_recording_is_read_as_twilio_documents_it(
    twilio: FakeTwilio, calls: TwilioCalls
) -> None:
    sid = twilio.add_recording(b"ID3 sound")

    async with calls.open_recording(sid) as recording:
        assert (recording.media_type, recording.size) == ("audio/mpeg", 9)
        assert [chunk async for chunk in recording.chunks] == [b"ID3 sound"]
    await calls.delete_recording(sid)

    get, delete = twilio.requests
    path = f"/2010-04-01/Accounts/{twilio.account_sid}/Recordings/{sid}"
    assert (get.method, get.path) == ("GET", f"{path}.mp3")
    assert (delete.method, delete.path) == ("DELETE", f"{path}.json")
    assert get.credentials == delete.credentials == (twilio.account_sid, twilio.auth_token)


def chunked(size: int) -> Behavior:
    def behave(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n")
        exchange.send(b"Transfer-Encoding: chunked\r\n\r\n")
        for _chunk in range(size // 100):
            exchange.send(b"64\r\n" + b"a" * 100 + b"\r\n")
        exchange.send(b"0\r\n\r\n")

    return behave


async def test_a_recording_that_is_too_large_is_not_read(
    twilio: FakeTwilio, calls: TwilioCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.messages.twilio.voice.calls.MAX_RECORDING_SIZE", 1000)
    for twilio.behavior in (respond_with(200, b"a" * 1001, AUDIO), chunked(1100)):
        with pytest.raises(CallProviderUnavailable, match=r"The recording is too large\."):
            await read(calls)


async def test_a_recording_that_takes_too_long_breaks_off(twilio: FakeTwilio) -> None:
    twilio.behavior = chunked(1000)
    async with open_transport(LONG) as transport:
        client = TwilioCallClient(twilio.account_sid, twilio.auth_token, twilio.url, transport)
        # A deadline in the past: nothing is read after the first chunk.
        async with client.open_recording(RECORDING_SID, -1) as stream:
            assert await anext(stream.chunks)
            with pytest.raises(NoResponse):
                await anext(stream.chunks)


async def test_another_host_does_not_get_the_credentials(
    twilio: FakeTwilio, calls: TwilioCalls
) -> None:
    seen: list[str | None] = []

    def storage(exchange: Exchange) -> None:
        seen.append(exchange.headers["Authorization"])
        exchange.respond(200, b"sound", AUDIO)

    with HttpServer(storage) as server:
        twilio.behavior = respond_with(302, headers={"Location": f"{server.url}/sound.mp3"})
        assert await read(calls) == b"sound"

    assert twilio.requests[0].credentials
    assert seen == [None]


async def test_a_response_that_is_not_from_twilio_is_no_call_and_no_recording(
    twilio: FakeTwilio, calls: TwilioCalls
) -> None:
    body = b'{"sid": "../Messages", "status": "queued"}'
    twilio.behavior = respond_with(200, body, {"Content-Type": "application/json"})

    assert (await place(calls)).status is DeliveryStatus.UNKNOWN
    with pytest.raises(CallProviderUnavailable, match=r"not from Twilio\."):
        await read(calls)
