"""Calls and recordings by Twilio, and everything that can happen to a request."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.twilio import Timeouts, TwilioCalls, open_twilio_calls
from adapters.twilio.client import TwilioClient
from adapters.twilio.transport import NoResponse, open_transport
from application.ports.call_provider import PlacementResult, PlacementStatus
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from tests.support.builders import a_phone
from tests.support.servers import behaviors
from tests.support.servers.behaviors import respond_with
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior, Exchange, HttpServer

PHONE = a_phone()
NUMBER = "+15005550006"
URL = "https://dialtone.example.org/voice/outbound/4f2a"
STATUS_URL = "https://dialtone.example.org/voice/status"
CALL_SID = "CA" + "0a" * 16
RECORDING_SID = "RE" + "0a" * 16
CREATED = {"sid": CALL_SID, "status": "queued"}
AUDIO = {"Content-Type": "audio/mpeg"}
SHORT_TIMEOUTS = Timeouts(read=0.2, total=0.5)
UNKNOWN = PlacementResult(
    PlacementStatus.UNKNOWN, "The call service did not confirm that it placed the call."
)


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


def open_calls(
    twilio: FakeTwilio, timeouts: Timeouts | None = None, max_recording_size: int = 1000
) -> AbstractAsyncContextManager[TwilioCalls]:
    return open_twilio_calls(
        twilio.account_sid,
        twilio.auth_token,
        caller_id=NUMBER,
        api_base=twilio.url,
        timeouts=timeouts,
        max_recording_size=max_recording_size,
    )


@pytest.fixture
async def calls(twilio: FakeTwilio) -> AsyncIterator[TwilioCalls]:
    async with open_calls(twilio) as calls:
        yield calls


def responds(status: int, content: object) -> Behavior:
    return respond_with(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


async def place(calls: TwilioCalls, timeout_seconds: int = 30) -> PlacementResult:
    return await calls.place_call(PHONE, URL, STATUS_URL, timeout_seconds)


async def read(calls: TwilioCalls, recording_sid: str = RECORDING_SID) -> bytes:
    async with calls.open_recording(recording_sid) as recording:
        return b"".join([chunk async for chunk in recording.chunks])


async def test_a_call_is_placed_as_twilio_documents_it(
    twilio: FakeTwilio, calls: TwilioCalls
) -> None:
    result = await place(calls)

    [placed] = twilio.placed
    assert result == PlacementResult(PlacementStatus.PLACED, provider_call_id=placed.sid)
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
        ("Timeout", "30"),
        ("To", PHONE.e164),
        ("Url", URL),
    ]


@pytest.mark.parametrize(("seconds", "sent"), [(-1, "1"), (0, "1"), (600, "600"), (9999, "600")])
async def test_the_time_of_ringing_is_within_twilios_limits(
    twilio: FakeTwilio, calls: TwilioCalls, seconds: int, sent: str
) -> None:
    await place(calls, seconds)

    assert twilio.calls[0].form["Timeout"] == sent


NO_SUCH_NUMBER = "No phone has this number; check it."
UNREACHABLE = "Calls do not reach this number; use another number."
BLOCKED = "Calls to this number are blocked; use another number."
REGION = "Calls to this number's region are not enabled."
INVALID_NUMBER_REASONS = {
    13223: NO_SUCH_NUMBER,
    13224: UNREACHABLE,
    13225: BLOCKED,
    13227: REGION,
    21201: NO_SUCH_NUMBER,
    21211: NO_SUCH_NUMBER,
    21214: UNREACHABLE,
    21215: REGION,
    21216: BLOCKED,
    21217: NO_SUCH_NUMBER,
}
INACTIVE = "This service's account with the call service is not active."
CREDENTIALS = "The call service does not accept this service's credentials."
RATE_LIMITED = "The call service gets too many requests; try again shortly."
ORIGIN = "The call service does not allow calls from this service's number."
REJECTED_REASONS = {
    10001: INACTIVE,
    10004: RATE_LIMITED,
    10005: INACTIVE,
    20003: CREDENTIALS,
    20005: INACTIVE,
    20429: RATE_LIMITED,
    20500: "The call service is unavailable; try again shortly.",
    21205: "The call service rejected the call.",
    21210: ORIGIN,
    21212: ORIGIN,
    21213: ORIGIN,
    21219: "The call service is on trial and calls verified numbers only.",
}


@pytest.mark.parametrize(("code", "reason"), INVALID_NUMBER_REASONS.items())
async def test_error_codes_of_the_number_are_an_invalid_number(
    twilio: FakeTwilio, calls: TwilioCalls, code: int, reason: str
) -> None:
    twilio.behavior = rejects(code)

    assert await place(calls) == PlacementResult(PlacementStatus.INVALID_NUMBER, reason)


@pytest.mark.parametrize(("code", "reason"), REJECTED_REASONS.items())
async def test_all_other_error_codes_are_a_rejection(
    twilio: FakeTwilio, calls: TwilioCalls, code: int, reason: str
) -> None:
    twilio.behavior = rejects(code)

    assert await place(calls) == PlacementResult(PlacementStatus.REJECTED, reason)


@pytest.mark.parametrize(
    "reason", sorted({*INVALID_NUMBER_REASONS.values(), *REJECTED_REASONS.values()})
)
def test_reasons_contain_no_digits_and_no_names(reason: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", reason)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, "The call service rejected the call."),
        (400, "The call service rejected the call."),
        (401, CREDENTIALS),
        (403, CREDENTIALS),
        (429, RATE_LIMITED),
        (503, "The call service is unavailable; try again shortly."),
    ],
)
async def test_an_error_without_a_code_is_mapped_by_its_http_status(
    twilio: FakeTwilio, calls: TwilioCalls, status: int, reason: str
) -> None:
    twilio.behavior = respond_with(status, b"<html>", {"Location": "https://elsewhere.example/"})

    assert await place(calls) == PlacementResult(PlacementStatus.REJECTED, reason)
    assert len(twilio.requests) == 1


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_call_that_failed_at_its_creation_is_not_placed(
    twilio: FakeTwilio, calls: TwilioCalls, status: str
) -> None:
    twilio.behavior = responds(201, {**CREATED, "status": status})

    assert (await place(calls)).status is PlacementStatus.REJECTED


@pytest.mark.parametrize(
    "behavior",
    [
        behaviors.close_connection,
        behaviors.never_respond,
        behaviors.truncate(201, json.dumps(CREATED).encode()),
        behaviors.stall(201, json.dumps(CREATED).encode()),
        behaviors.drip(201),
        respond_with(504, b"<html>"),
        respond_with(201),
        respond_with(200, b"<html>It works!</html>"),
        responds(201, {"sid": None, "status": "queued"}),
        responds(201, {"sid": "../Messages", "status": "queued"}),
        responds(201, []),
    ],
    ids=range(11),
)
async def test_a_call_without_a_result_is_unknown_and_is_not_repeated(
    twilio: FakeTwilio, behavior: Behavior
) -> None:
    twilio.behavior = behavior

    async with open_calls(twilio, SHORT_TIMEOUTS) as calls:
        assert await place(calls) == UNKNOWN
    assert len(twilio.received) == 1


@pytest.mark.parametrize("behavior", [rejects(20404), respond_with(404), respond_with(410)])
async def test_a_recording_that_twilio_does_not_have_any_more_is_deleted(
    twilio: FakeTwilio, calls: TwilioCalls, behavior: Behavior
) -> None:
    twilio.behavior = behavior

    await calls.delete_recording(RECORDING_SID)
    with pytest.raises(RecordingNotFound):
        await read(calls)

    assert len(twilio.requests) == 2


FAILURES = {
    "20003": (rejects(20003), "Twilio rejected the request: status 401"),
    "500": (respond_with(500), "Twilio rejected the request: status 500"),
    "closed": (behaviors.close_connection, "Twilio did not respond."),
    "hanging": (behaviors.never_respond, "Twilio did not respond."),
    "not Twilio": (
        respond_with(200, b"<html>", {"Content-Type": "text/html"}),
        "The response is not from Twilio.",
    ),
}


@pytest.mark.parametrize(("behavior", "reason"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_of_twilio_is_an_error_that_says_why(
    twilio: FakeTwilio, behavior: Behavior, reason: str
) -> None:
    twilio.behavior = behavior

    async with open_calls(twilio, SHORT_TIMEOUTS) as calls:
        for operation in (
            calls.delete_recording(RECORDING_SID),
            read(calls),
        ):
            with pytest.raises(CallProviderUnavailable, match=reason):
                await operation


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


@pytest.mark.parametrize(
    "sid", ["", "RE1", RECORDING_SID + "0", RECORDING_SID + "\n", CALL_SID, "../Calls", "RE/../x"]
)
async def test_what_is_no_sid_never_reaches_twilio(
    twilio: FakeTwilio, calls: TwilioCalls, sid: str
) -> None:
    with pytest.raises(RecordingNotFound):
        await read(calls, sid)
    await calls.delete_recording(sid)

    assert twilio.received == []


def chunked(size: int) -> Behavior:
    def behave(exchange: Exchange) -> None:
        _ = exchange.body
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n")
        exchange.send(b"Transfer-Encoding: chunked\r\n\r\n")
        for _chunk in range(size // 100):
            exchange.send(b"64\r\n" + b"a" * 100 + b"\r\n")
        exchange.send(b"0\r\n\r\n")

    return behave


async def test_a_recording_without_a_size_is_read(twilio: FakeTwilio, calls: TwilioCalls) -> None:
    twilio.behavior = chunked(1000)

    async with calls.open_recording(RECORDING_SID) as recording:
        assert recording.size is None
        assert b"".join([chunk async for chunk in recording.chunks]) == b"a" * 1000


def truncated(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.send_head(200, 500, AUDIO)
    exchange.send(b"a" * 100)
    exchange.close()


def stalled(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.send_head(200, 500, AUDIO)
    exchange.send(b"a" * 100)
    exchange.is_closing.wait()


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        (respond_with(200, b"a" * 1001, AUDIO), "The recording is too large."),
        (chunked(1100), "The recording is too large."),
        (truncated, "The recording broke off."),
        (stalled, "The recording broke off."),
    ],
    ids=["large", "large without a size", "truncated", "stalled"],
)
async def test_a_part_of_a_recording_is_never_taken_for_the_whole(
    twilio: FakeTwilio, behavior: Behavior, reason: str
) -> None:
    twilio.behavior = behavior

    async with open_calls(twilio, Timeouts(read=0.2)) as calls:
        with pytest.raises(CallProviderUnavailable, match=reason):
            await read(calls)


async def test_a_recording_that_takes_too_long_breaks_off(twilio: FakeTwilio) -> None:
    twilio.behavior = chunked(1000)
    async with open_transport(Timeouts()) as transport:
        client = TwilioClient(twilio.account_sid, twilio.auth_token, twilio.url, transport)
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

    assert twilio.requests[0].credentials is not None
    assert seen == [None]


async def test_endless_redirects_are_an_error(twilio: FakeTwilio, calls: TwilioCalls) -> None:
    twilio.behavior = respond_with(302, headers={"Location": f"{twilio.url}/again.mp3"})

    with pytest.raises(CallProviderUnavailable):
        await read(calls)


async def test_the_log_contains_no_number_and_no_token(
    twilio: FakeTwilio, calls: TwilioCalls, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await place(calls)
        twilio.behavior = rejects(21217)
        await place(calls)

    for secret in (PHONE.e164[1:], twilio.auth_token):
        assert secret not in caplog.text
