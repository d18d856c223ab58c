import asyncio
import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.twilio import Patience, TwilioMessenger, open_twilio_messenger
from adapters.twilio.transport import PATIENCE
from application.ports.messenger import Handover, Outcome
from tests.support.builders import a_phone
from tests.support.servers import behaviours
from tests.support.servers.behaviours import later, says
from tests.support.servers.loopback import Behaviour, Exchange
from tests.support.servers.twilio_stand_in import TwilioStandIn, refuses

PHONE = a_phone()
TEXT = "012345 is your code"
NUMBER = "+15005550006"
SERVICE = "MG" + "0a" * 16
IMPATIENT = Patience(silence=0.2, whole=0.5)
CREATED = {"sid": "SM" + "0" * 32, "status": "queued"}


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as twilio:
        yield twilio


def opened(
    twilio: TwilioStandIn, sender: str = NUMBER, patience: Patience = PATIENCE
) -> AbstractAsyncContextManager[TwilioMessenger]:
    return open_twilio_messenger(
        twilio.account_sid,
        twilio.auth_token,
        sender=sender,
        api_base=twilio.url,
        patience=patience,
    )


@pytest.fixture
async def messenger(twilio: TwilioStandIn) -> AsyncIterator[TwilioMessenger]:
    async with opened(twilio) as messenger:
        yield messenger


def gives(status: int, content: object) -> Behaviour:
    return says(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


async def test_a_message_goes_out_as_twilio_wants_it(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    assert await messenger.send(PHONE, TEXT) == Handover(Outcome.ACCEPTED)

    [sent] = twilio.sent
    assert sent.method == "POST"
    assert sent.path == f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    assert sent.credentials == (twilio.account_sid, twilio.auth_token)
    assert sent.form == {"To": PHONE.e164, "From": NUMBER, "Body": TEXT}


@pytest.mark.parametrize(
    ("sender", "field"),
    [
        (SERVICE, "MessagingServiceSid"),
        (NUMBER, "From"),
        ("Dialtone", "From"),
        ("MG4U", "From"),
    ],
)
async def test_it_is_sent_from_a_service_a_number_or_a_name(
    twilio: TwilioStandIn, sender: str, field: str
) -> None:
    async with opened(twilio, sender) as messenger:
        assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.ACCEPTED

    assert twilio.messages == [{"To": PHONE.e164, field: sender, "Body": TEXT}]


@pytest.mark.parametrize(
    "text", ["नमस्ते 你好 👩‍🚀", "a&b=c+d%20e;\n\n@example.com #012345", "\x00 \x1b[2J"]
)
async def test_a_text_arrives_as_it_is(
    twilio: TwilioStandIn, messenger: TwilioMessenger, text: str
) -> None:
    await messenger.send(PHONE, text)

    assert twilio.messages[0]["Body"] == text


async def test_half_a_character_is_left_out(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    await messenger.send(PHONE, "a\ud83db")

    assert twilio.messages[0]["Body"] == "a?b"


NO_SUCH_NUMBER = "No phone has this number; check it."
NO_TEXTS = "This number gets no text messages; use the number of a mobile phone."
BLOCKED = "Text messages to this number are blocked; use another number."
BAD_NUMBERS = {
    21211: NO_SUCH_NUMBER,
    21217: NO_SUCH_NUMBER,
    21265: NO_SUCH_NUMBER,
    21266: NO_SUCH_NUMBER,
    21268: NO_TEXTS,
    21610: "This number has unsubscribed from these messages; answer START to one of them, or use"
    " another number.",
    21612: "Text messages do not reach this number; use another number.",
    21614: NO_TEXTS,
    21635: NO_TEXTS,
    30003: "The phone with this number is out of reach; switch it on, or use another number.",
    30004: BLOCKED,
    30005: "No carrier knows this number; check it, or use another number.",
    30006: NO_TEXTS,
    30450: BLOCKED,
}
REFUSALS = {
    10001: "This service's account with the message service is not active.",
    20003: "The message service does not accept this service's credentials.",
    20005: "This service's account with the message service is not active.",
    20404: "The message service does not know this service's account.",
    20429: "The message service is asked too often; try again shortly.",
    20500: "The message service is unavailable; try again shortly.",
    21212: "The message service does not let this service send from its number.",
    21408: "Text messages to this number's region are not enabled.",
    21601: "The message service does not let this service send from its number.",
    21602: "The message service does not take this text.",
    21603: "The message service does not let this service send from its number.",
    21606: "The message service does not let this service send from its number.",
    21608: "On trial, the message service sends to verified numbers only.",
    21611: "The message service is asked too often; try again shortly.",
    21617: "The message service does not take this text.",
    21659: "The message service does not let this service send from its number.",
    21660: "The message service does not let this service send from its number.",
    21661: "The message service does not let this service send from its number.",
    21703: "The message service does not let this service send from its number.",
    30001: "The message service is asked too often; try again shortly.",
    30002: "This service's account with the message service is not active.",
    30007: "The message service does not pass this message on.",
    30034: "The message service does not pass this message on.",
    63038: "The message service refused the message.",
}


@pytest.mark.parametrize(("code", "reason"), BAD_NUMBERS.items())
async def test_a_number_that_no_sender_should_try_is_bad(
    twilio: TwilioStandIn, messenger: TwilioMessenger, code: int, reason: str
) -> None:
    twilio.behaviour = refuses(code)

    assert await messenger.send(PHONE, TEXT) == Handover(Outcome.BAD_NUMBER, reason)


@pytest.mark.parametrize(("code", "reason"), REFUSALS.items())
async def test_what_is_between_twilio_and_the_operator_is_refused(
    twilio: TwilioStandIn, messenger: TwilioMessenger, code: int, reason: str
) -> None:
    twilio.behaviour = refuses(code)

    assert await messenger.send(PHONE, TEXT) == Handover(Outcome.REFUSED, reason)


@pytest.mark.parametrize("reason", sorted({*BAD_NUMBERS.values(), *REFUSALS.values()}))
def test_reasons_are_sentences_that_give_nothing_away(reason: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", reason)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, "What answers in the message service's place is something else."),
        (400, "The message service refused the message."),
        (401, "The message service does not accept this service's credentials."),
        (403, "The message service does not accept this service's credentials."),
        (404, "The message service refused the message."),
        (429, "The message service is asked too often; try again shortly."),
        (500, "The message service is unavailable; try again shortly."),
        (502, "The message service is unavailable; try again shortly."),
        (503, "The message service is unavailable; try again shortly."),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"code"',
        b"{}",
        b'{"code": null}',
        b'{"code": "21610"}',
        b'{"code": 3}',
        b'{"code": {}, "message": 7}',
        b"\xff\xfe",
    ],
)
async def test_a_refusal_without_a_code_goes_by_its_status(
    twilio: TwilioStandIn, messenger: TwilioMessenger, status: int, body: bytes, reason: str
) -> None:
    twilio.behaviour = says(status, body, {"Location": "https://elsewhere.example/"})

    assert await messenger.send(PHONE, TEXT) == Handover(Outcome.REFUSED, reason)
    assert len(twilio.sent) == 1


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, 21610, Outcome.BAD_NUMBER),
        ("400", 21610, Outcome.BAD_NUMBER),
        (503, 20503, Outcome.REFUSED),
        ("503", None, Outcome.REFUSED),
        (None, [], Outcome.REFUSED),
    ],
)
async def test_the_newer_form_of_a_refusal_is_read_as_well(
    twilio: TwilioStandIn,
    messenger: TwilioMessenger,
    status: object,
    code: object,
    outcome: Outcome,
) -> None:
    # RFC 9457
    problem = {"type": "about:blank", "title": "Something", "status": status, "code": code}
    twilio.behaviour = gives(400, problem)

    assert (await messenger.send(PHONE, TEXT)).outcome is outcome


async def test_what_a_gateway_had_no_answer_to_is_unknown(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    twilio.behaviour = says(504, b"<html>")
    assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.UNKNOWN

    twilio.behaviour = refuses(20504, 504)
    assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.REFUSED


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
@pytest.mark.parametrize(
    ("code", "outcome"),
    [(30006, Outcome.BAD_NUMBER), (30001, Outcome.REFUSED), (None, Outcome.REFUSED)],
)
async def test_a_message_that_was_lost_when_it_was_made_is_not_accepted(
    twilio: TwilioStandIn,
    messenger: TwilioMessenger,
    status: str,
    code: int | None,
    outcome: Outcome,
) -> None:
    twilio.behaviour = gives(201, {**CREATED, "status": status, "error_code": code})

    answer = await messenger.send(PHONE, TEXT)

    assert answer.outcome is outcome
    if code is None:
        assert answer.reason == "The message service refused the message."


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("state", ["queued", "accepted", "sending", "sent", "delivered", None])
async def test_a_message_that_has_a_name_is_accepted(
    twilio: TwilioStandIn, messenger: TwilioMessenger, status: int, state: str | None
) -> None:
    twilio.behaviour = gives(status, {**CREATED, "status": state})

    assert await messenger.send(PHONE, TEXT) == Handover(Outcome.ACCEPTED)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>It works!</html>",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"sid": null}',
        b'{"sid": ""}',
        b'{"sid": 7}',
        b'{"sid": "SM00", "date_created": 7}',
        b'{"sid": "SM00", "date_created": "Thu, 99 Aug 2023 05:01:45 +0000"}',
        b'{"sid": "SM',
        b"\xff\xfe",
        b" " * 100_000,
    ],
)
async def test_a_success_that_cannot_be_read_is_unknown(
    twilio: TwilioStandIn, messenger: TwilioMessenger, body: bytes
) -> None:
    twilio.behaviour = says(201, body)

    answer = await messenger.send(PHONE, TEXT)

    assert answer == Handover(
        Outcome.UNKNOWN, "The message service did not say whether it took the message."
    )


def garbled(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.send(b"SMTP ready\r\n\r\n")
    exchange.hang_up()


def wrongly_packed(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.answer(201, b"no gzip at all", {"Content-Encoding": "gzip"})


def never_ending_heads(exchange: Exchange) -> None:
    _ = exchange.body
    exchange.send(b"HTTP/1.1 201 Created\r\n")
    while not exchange.leaving.wait(0.01):
        exchange.send(b"X-More: yes\r\n")


@pytest.mark.parametrize(
    "behaviour",
    [
        behaviours.hangs_up_on_the_head,
        behaviours.hangs_up,
        behaviours.hangs,
        behaviours.breaks_off(201, b'{"sid": "SM00"}'),
        behaviours.stalls(201, b'{"sid": "SM00"}'),
        behaviours.drips(201),
        garbled,
        wrongly_packed,
        never_ending_heads,
        later(30, refuses(20500)),
    ],
    ids=lambda behaviour: behaviour.__qualname__.partition(".")[0],
)
async def test_what_left_and_got_no_answer_is_unknown_and_not_sent_again(
    twilio: TwilioStandIn, behaviour: Behaviour
) -> None:
    twilio.behaviour = behaviour

    async with opened(twilio, patience=IMPATIENT) as messenger:
        assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.UNKNOWN
    assert len(twilio.asked) == 1


@pytest.mark.parametrize(
    "behaviour",
    [behaviours.breaks_off(400, b"{}" * 9), behaviours.stalls(500, b"{}"), behaviours.drips(429)],
    ids=["breaks_off", "stalls", "drips"],
)
async def test_a_refusal_stands_though_its_body_does_not_come(
    twilio: TwilioStandIn, behaviour: Behaviour
) -> None:
    twilio.behaviour = behaviour

    async with opened(twilio, patience=Patience(silence=1.0, whole=1.5)) as messenger:
        assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.REFUSED


async def test_where_nobody_listens_nothing_was_sent(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    twilio.close()

    assert await messenger.send(PHONE, TEXT) == Handover(
        Outcome.REFUSED, "The message service cannot be reached; try again shortly."
    )


@pytest.mark.parametrize(
    "api_base", ["http://nobody.invalid", "https://", "gopher://a", "http://[::"]
)
async def test_an_address_that_leads_nowhere_is_refused(api_base: str) -> None:
    opening = open_twilio_messenger("AC0", "token", sender=NUMBER, api_base=api_base)
    async with opening as messenger:
        assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.REFUSED


async def test_a_server_that_does_not_even_shake_hands_was_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        opening = open_twilio_messenger(
            "AC0",
            "token",
            sender=NUMBER,
            api_base=f"https://127.0.0.1:{deaf.getsockname()[1]}",
            patience=Patience(connect=0.1),
        )
        async with opening as messenger:
            assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.REFUSED


async def test_who_finds_no_free_connection_was_sent_nothing(twilio: TwilioStandIn) -> None:
    gate = threading.Event()
    twilio.behaviour = behaviours.slowly(gate, twilio.answer)
    async with opened(twilio, patience=Patience(queue=0.05)) as messenger:
        sending = [asyncio.create_task(messenger.send(PHONE, TEXT)) for _ in range(100)]
        await asyncio.to_thread(twilio.wait_until_asked, 100)

        assert (await messenger.send(PHONE, TEXT)).outcome is Outcome.REFUSED

        gate.set()
        assert {answer.outcome for answer in await asyncio.gather(*sending)} == {Outcome.ACCEPTED}
    assert len(twilio.messages) == 100


async def test_connections_are_kept(twilio: TwilioStandIn, messenger: TwilioMessenger) -> None:
    for _ in range(5):
        await messenger.send(PHONE, TEXT)

    assert twilio.connections == 1


async def test_a_connection_that_was_closed_meanwhile_is_not_used(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    await messenger.send(PHONE, TEXT)
    twilio.hang_up_on_everybody()

    assert await messenger.send(PHONE, TEXT) == Handover(Outcome.ACCEPTED)


async def test_nothing_of_the_environment_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch, twilio: TwilioStandIn
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "1" * 32)

    async with opened(twilio) as messenger:
        assert await messenger.send(PHONE, TEXT) == Handover(Outcome.ACCEPTED)


async def test_nothing_is_logged_of_whom_it_wrote_to_or_what(
    twilio: TwilioStandIn, messenger: TwilioMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await messenger.send(PHONE, TEXT)
        twilio.behaviour = refuses(21610)
        await messenger.send(PHONE, TEXT)

    for secret in (PHONE.e164[1:], "012345", twilio.auth_token):
        assert secret not in caplog.text


async def test_without_an_address_of_its_own_it_is_twilios() -> None:
    async with open_twilio_messenger("AC0", "token", sender=NUMBER) as messenger:
        assert messenger._client._account._version.domain.base_url == "https://api.twilio.com"
