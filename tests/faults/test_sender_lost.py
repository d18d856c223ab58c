"""The sender refusing, hanging and hanging up, in both families of sign-in."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.faults.altered_service import AlteredService, altered
from tests.faults.answers import is_done
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.behaviors import (
    close_before_body,
    close_connection,
    delay,
    never_respond,
    respond_with,
    stall,
    truncate,
)
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior, Exchange

COOL_DOWN = timedelta(seconds=15)
SENDS = 3
"""So many messages an address may have sent to a phone in a quarter of an hour."""
PATIENCE = 60.0
"""Seconds for one answer; the sender is given 10 without a byte, and 15 for all of its own."""

REFUSING: Mapping[str, Behavior] = {
    **{f"code {code}": rejects(code) for code in (20003, 20404, 20429, 20500, 21408, 21606, 30007)},
    **{
        f"status {status}": respond_with(status)
        for status in (301, 400, 401, 403, 404, 409, 410, 418)
    },
    **{
        f"status {status}": respond_with(status, b"<html>no</html>")
        for status in (422, 429, 500, 501)
    },
    **{f"status {status}": respond_with(status) for status in (502, 503, 505, 507)},
    "504 of its own": rejects(20500, 504),
    "half a 500": truncate(500, b"{}" * 100),
    "a 500 that stalls": stall(500, b"{}" * 100),
}
UNKNOWN: Mapping[str, Behavior] = {
    "504 of a gateway": respond_with(504),
    "no answer": close_connection,
    "silence": never_respond,
    "a success without words": respond_with(201),
    "half a success": truncate(201, b"{}" * 100),
    "a success that stalls": stall(201, b"{}" * 100),
}
BAD_NUMBERS: Mapping[str, Behavior] = {
    f"code {code}": rejects(code) for code in (21211, 21610, 21612, 21614, 30005)
}

_numbers = itertools.count(1)


@dataclass
class Sender:
    """The fake Twilio, which treats each phone in its own way."""

    twilio: FakeTwilio
    ways: dict[str, Behavior] = field(default_factory=dict)

    def serve(self, exchange: Exchange) -> None:
        form = dict(parse_qsl(exchange.body.decode()))
        self.ways.get(form.get("To", ""), self.twilio.respond)(exchange)

    def go(self) -> None:
        """Leave the address to nobody."""
        self.twilio.close()

    def come_back(self) -> None:
        """Serve the same address again."""
        self.twilio = FakeTwilio(port=int(self.twilio.url.rpartition(":")[2]))
        self.twilio.behavior = self.serve
        self.twilio.__enter__()

    def texts(self, phone: str) -> list[str]:
        return [sent["Body"] for sent in self.twilio.messages if sent["To"] == phone]

    def phones(self, ways: Mapping[str, Behavior]) -> dict[str, str]:
        """Give a phone for each of these ways, by name."""
        phones = {name: a_phone() for name in ways}
        self.ways |= {phones[name]: way for name, way in ways.items()}
        return phones


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    sender = Sender(FakeTwilio().__enter__())
    sender.twilio.behavior = sender.serve
    yield sender
    sender.go()


@pytest.fixture(scope="module")
def service(sender: Sender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlteredService]:
    """One for all tests, each of which has phones of its own."""
    environ = {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "*", **sender.twilio.environ}
    with altered(tmp_path_factory.mktemp("service"), environ, sender.texts) as service:
        yield service


@pytest.fixture
async def http(service: AlteredService) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=300)
    async with httpx.AsyncClient(
        base_url=service.url, timeout=PATIENCE, **PLAIN_HTTP, limits=limits
    ) as client:
        yield client


def a_phone() -> str:
    return f"+1415558{next(_numbers):04d}"


async def asked(http: httpx.AsyncClient, phones: Mapping[str, str]) -> dict[str, httpx.Response]:
    """Ask for a code for each of these phones, all at once."""
    answers = await asyncio.gather(
        *(http.post("/auth/request-otp", json={"phone": phone}) for phone in phones.values())
    )
    return dict(zip(phones, answers, strict=True))


async def older_asked(
    http: httpx.AsyncClient, phones: Mapping[str, str]
) -> dict[str, httpx.Response]:
    answers = await asyncio.gather(
        *(http.post("/authenticate/get_otp", json={"phone": phone}) for phone in phones.values())
    )
    return dict(zip(phones, answers, strict=True))


async def assert_sends_left(
    service: AlteredService,
    http: httpx.AsyncClient,
    phones: Mapping[str, str],
    left: int,
) -> None:
    """Fails unless exactly so many messages more may be sent to each phone, and the last works."""
    for _ in range(left):
        service.set_clock_off(service.clock_off + COOL_DOWN)
        answers = await asked(http, phones)
        told = {name: (one.status_code, one.json().get("sent")) for name, one in answers.items()}
        assert told == dict.fromkeys(phones, (200, True))
    service.set_clock_off(service.clock_off + COOL_DOWN)
    refused = {name: one.status_code for name, one in (await asked(http, phones)).items()}
    assert refused == dict.fromkeys(phones, 429)
    for phone in phones.values():
        otp = service.messages(phone)[-1]
        right = await http.post("/auth/verify-otp", json={"phone": phone, "otp": otp})
        assert right.json()["success"] is True


async def test_a_refusal_is_told_and_costs_no_slot(
    sender: Sender, service: AlteredService, http: httpx.AsyncClient
) -> None:
    phones, older = sender.phones(REFUSING), sender.phones(REFUSING)
    both = phones | {f"older {name}": phone for name, phone in older.items()}
    for _ in range(SENDS + 1):
        answers, older_answers = await asyncio.gather(asked(http, phones), older_asked(http, older))
        for name, answer in answers.items():
            assert not is_done(answer, "POST /auth/request-otp", 200), name
            assert answer.json()["code"] == "delivery_failed", name
        for name, answer in older_answers.items():
            assert not is_done(answer, "POST /authenticate/get_otp", 200), name
            assert "unable to connect to message server :- " in answer.json()["error"], name
        # Once is enough of what takes its time.
        sender.ways = dict.fromkeys(both.values(), respond_with(500))
    assert all(len(sender.texts(phone)) == SENDS + 1 for phone in both.values())
    sender.ways = {}
    await assert_sends_left(service, http, both, SENDS)


async def test_what_nobody_knows_counts_as_sent_and_is_not_sent_twice(
    sender: Sender, service: AlteredService, http: httpx.AsyncClient
) -> None:
    phones, older = sender.phones(UNKNOWN), sender.phones(UNKNOWN)

    async def ask_twice(phone: str) -> None:
        first = (await http.post("/auth/request-otp", json={"phone": phone})).json()
        again = (await http.post("/auth/request-otp", json={"phone": phone})).json()
        assert (first["sent"], again["sent"]) == (True, False)
        assert first["request_id"] == again["request_id"]

    older_first, _ = await asyncio.gather(
        older_asked(http, older),
        asyncio.gather(*(ask_twice(phone) for phone in phones.values())),
    )
    assert {one.status_code for one in older_first.values()} == {200}
    sender.ways = {}
    assert all(len(sender.texts(one)) == 1 for one in (*phones.values(), *older.values()))
    both = phones | {f"older {name}": phone for name, phone in older.items()}
    await assert_sends_left(service, http, both, SENDS - 1)


async def test_what_is_the_numbers_fault_costs_the_phone_nothing(
    sender: Sender, service: AlteredService, http: httpx.AsyncClient
) -> None:
    phones, older = sender.phones(BAD_NUMBERS), sender.phones(BAD_NUMBERS)
    for name, answer in (await asked(http, phones)).items():
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"phone"}), name
    for name, answer in (await older_asked(http, older)).items():
        assert (answer.status_code, answer.json()["exit_code"]) == (400, 4), name
    sender.ways = {}
    both = phones | {f"older {name}": phone for name, phone in older.items()}
    await assert_sends_left(service, http, both, SENDS)


async def test_a_slow_sender_is_waited_for(
    sender: Sender, service: AlteredService, http: httpx.AsyncClient
) -> None:
    phones = sender.phones(
        {str(tenths): delay(tenths / 10, sender.twilio.respond) for tenths in (1, 20)}
    )
    assert all(one.json()["sent"] for one in (await asked(http, phones)).values())
    sender.ways = {}
    await assert_sends_left(service, http, phones, SENDS - 1)


async def test_a_sender_that_is_gone_and_comes_back_costs_no_slot(
    sender: Sender, service: AlteredService, http: httpx.AsyncClient
) -> None:
    phones = {"one": a_phone()}
    sender.go()
    for _ in range(SENDS + 1):
        answers = await asked(http, phones)
        assert answers["one"].json()["code"] == "delivery_failed"
        assert not is_done(answers["one"], "POST /auth/request-otp", 200)
    sender.come_back()
    await assert_sends_left(service, http, phones, SENDS)


async def test_a_connection_closed_before_the_request_was_read_may_have_brought_it(
    sender: Sender, service: AlteredService, http: httpx.AsyncClient
) -> None:
    phones = {"one": a_phone()}
    sender.twilio.behavior = close_before_body
    assert (await asked(http, phones))["one"].json()["sent"] is True
    sender.twilio.behavior = sender.serve
    assert (await asked(http, phones))["one"].json()["sent"] is False
    await assert_sends_left(service, http, phones, SENDS - 1)


async def test_a_hanging_sender_holds_up_nobody_else(
    sender: Sender, service: AlteredService, http: httpx.AsyncClient
) -> None:
    phone = a_phone()
    assert (await asked(http, {"one": phone}))["one"].json()["sent"] is True
    hanging = sender.phones({str(number): never_respond for number in range(120)})

    waiting = asyncio.create_task(asked(http, hanging))
    await asyncio.to_thread(sender.twilio.wait_for_requests, 2)
    otp = service.code(phone)
    right = await http.post("/auth/verify-otp", json={"phone": phone, "otp": otp})
    assert right.json()["success"] is True
    assert (await http.get("/health/live")).status_code == 200
    assert not waiting.done()

    for answer in (await waiting).values():
        if is_done(answer, "POST /auth/request-otp", 200):
            assert answer.json()["sent"] is True
    assert all(len(sender.texts(phone)) <= 1 for phone in hanging.values())
    sender.ways = {}
    after = await asked(http, {"another": a_phone()})
    assert after["another"].json()["sent"] is True
