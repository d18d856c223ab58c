"""`DIALTONE_SMS` as a list, with all that may become of a message at the first of them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters.twilio import open_twilio_messenger
from application.ports.messenger import Outcome
from domain.phone import parse_phone
from tests.e2e.databases import DATABASES, Database, on_sqlite
from tests.e2e.own_sender import FACTORY, REASON
from tests.e2e.sender_cases import CASES, Case
from tests.e2e.two_senders import TwoSenders, a_phone, an_address, two_senders
from tests.support.servers import behaviours
from tests.support.servers.twilio_stand_in import refuses

MALFORMED = "Bad Request/ Data format incorrect 400 Bad Request: "
NOT_SENT = (
    "Internal server error 500 Internal Server Error: unable to connect to message server :- "
)
MAY_BE_OUT = (Outcome.ACCEPTED, Outcome.UNKNOWN)

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_refusal = pytest.mark.parametrize(
    "case", [case for case in CASES if case.outcome is Outcome.REFUSED], ids=lambda case: case.name
)


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.__name__)
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoSenders]:
    """Twilio first, on each database."""
    database: Database = request.param
    with two_senders(tmp_path_factory.mktemp("senders"), database(request)) as senders:
        yield senders


@pytest.fixture
def senders(opened: TwoSenders) -> Iterator[TwoSenders]:
    yield opened
    opened.mend()


@pytest.fixture(scope="module")
def turned_round(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoSenders]:
    """Twilio last."""
    folder = tmp_path_factory.mktemp("turned")
    with two_senders(folder, {}, order=f"{FACTORY},twilio") as senders:
        yield senders


@pytest.fixture
def twilio_last(turned_round: TwoSenders) -> Iterator[TwoSenders]:
    turned_round.spare.answer(Outcome.REFUSED)
    yield turned_round
    turned_round.mend()


def is_told_as_sent(answer: httpx.Response, *, older: bool = False) -> bool:
    if older:
        return (answer.status_code, answer.json()) == (200, {"message": "success", "exit_code": 0})
    return answer.status_code == 200 and answer.json()["sent"] is True


def older_body(status: int, exit_code: int, error: str) -> dict[str, Any]:
    return {"error": error, "exit_code": exit_code, "message": "failed", "status_code": status}


@pytest.mark.parametrize("opened", [on_sqlite], indirect=True, ids=["on_sqlite"])
@each_case
async def test_each_answer_is_taken_for_what_it_is(senders: TwoSenders, case: Case) -> None:
    senders.twilio_does(case.does(senders.twilio))
    opening = open_twilio_messenger(
        senders.twilio.account_sid,
        senders.twilio.auth_token,
        sender="+15005550006",
        api_base=senders.twilio.url,
    )

    async with opening as messenger:
        handover = await messenger.send(parse_phone(a_phone(), None), "012345 is your code")

    assert handover.outcome is case.outcome
    assert handover.outcome in MAY_BE_OUT or handover.reason == case.words


@each_case
async def test_only_after_a_refusal_does_the_next_one_send(senders: TwoSenders, case: Case) -> None:
    phone, older_phone = a_phone(), a_phone()
    before = len(senders.twilio.asked)
    senders.twilio_does(case.does(senders.twilio))

    answer = await senders.ask(phone, an_address())
    older = await senders.ask_older(older_phone, an_address())

    assert len(senders.twilio.asked) - before == (0 if case.name == "is not there" else 2)
    by_the_spare = [len(senders.spare.inbox(one)) for one in (phone, older_phone)]
    assert by_the_spare == ([1, 1] if case.outcome is Outcome.REFUSED else [0, 0])
    if case.outcome is Outcome.BAD_NUMBER:
        told = {"errors": {"phone": [case.words]}, "code": "phone_unreachable"}
        assert (answer.status_code, answer.json()) == (400, told)
        assert older.status_code == 400
        assert older.json() == older_body(400, 4, MALFORMED + case.words)
    else:
        assert is_told_as_sent(answer)
        assert is_told_as_sent(older, older=True)


@each_case
async def test_slots_come_back_as_far_as_no_message_can_be_out(
    senders: TwoSenders, case: Case
) -> None:
    phone, address, elsewhere = a_phone(), an_address(), an_address()
    senders.spare.answer(Outcome.REFUSED)
    senders.twilio_does(case.does(senders.twilio))
    await senders.ask(phone, address)
    senders.mend()

    again = await senders.ask(phone, elsewhere)
    another = await senders.ask(a_phone(), address)

    if case.outcome in MAY_BE_OUT:
        assert (again.status_code, again.json()["code"]) == (429, "rate_limited")
        assert again.json()["retry_after"] <= 15
        repeated = await senders.ask(phone, address)
        assert (repeated.status_code, repeated.json()["sent"]) == (200, False)
    else:
        assert is_told_as_sent(again)
    if case.outcome is Outcome.REFUSED:
        assert is_told_as_sent(another)
    else:
        assert (another.status_code, another.json()["code"]) == (429, "rate_limited")
        assert 15 < another.json()["retry_after"] <= 3600


@each_refusal
async def test_when_all_refuse_the_last_ones_reason_is_told(
    twilio_last: TwoSenders, case: Case
) -> None:
    twilio_last.twilio_does(case.does(twilio_last.twilio))

    answer = await twilio_last.ask(a_phone(), an_address())
    older = await twilio_last.ask_older(a_phone(), an_address())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {"error": case.words, "code": "delivery_failed", "retry_after": 5}
    assert older.status_code == 500
    assert older.json() == older_body(500, 5, NOT_SENT + case.words)


async def test_the_order_is_that_of_the_setting(twilio_last: TwoSenders) -> None:
    phone = a_phone()
    twilio_last.spare.answer(Outcome.ACCEPTED)
    before = len(twilio_last.twilio.asked)

    assert is_told_as_sent(await twilio_last.ask(phone, an_address()))

    assert len(twilio_last.spare.inbox(phone)) == 1
    assert len(twilio_last.twilio.asked) == before


async def test_the_next_ones_word_counts_as_much_as_the_first_ones(senders: TwoSenders) -> None:
    senders.twilio_does(refuses(20429))
    phone, address = a_phone(), an_address()

    senders.spare.answer(Outcome.BAD_NUMBER)
    bad = await senders.ask(phone, address)
    assert (bad.status_code, bad.json()["errors"]) == (400, {"phone": [REASON]})

    senders.spare.answer(Outcome.UNKNOWN)
    assert is_told_as_sent(await senders.ask(phone, an_address()))
    assert (await senders.ask(phone, an_address())).status_code == 429


async def test_all_may_refuse_as_often_as_they_like(senders: TwoSenders) -> None:
    senders.twilio_does(refuses(20429))
    senders.spare.answer(Outcome.REFUSED)
    phone, address = a_phone(), an_address()
    for _ in range(10):
        refused = await senders.ask(phone, address)
        assert (refused.status_code, refused.json()["error"]) == (503, REASON)
    senders.mend()

    assert is_told_as_sent(await senders.ask(phone, address))


async def test_of_fifty_asks_at_once_one_message_goes_out_by_the_second(
    senders: TwoSenders,
) -> None:
    senders.twilio_does(refuses(20429))
    phone, address = a_phone(), an_address()

    answers = await asyncio.gather(*(senders.ask(phone, address) for _ in range(50)))

    # Who meets the address's one slot taken, and the message not yet on record, is told to wait.
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert sum(answer.json().get("sent", False) for answer in answers) == 1
    assert len(senders.spare.inbox(phone)) == 1


@pytest.mark.parametrize("opened", [on_sqlite], indirect=True, ids=["on_sqlite"])
async def test_who_never_answers_may_have_sent_and_nobody_else_does(senders: TwoSenders) -> None:
    senders.twilio_does(behaviours.hangs)
    phone, older_phone, address = a_phone(), a_phone(), an_address()

    answer, older = await asyncio.gather(
        senders.ask(phone, address), senders.ask_older(older_phone, an_address())
    )

    assert is_told_as_sent(answer)
    assert is_told_as_sent(older, older=True)
    assert senders.spare.inbox(phone) == senders.spare.inbox(older_phone) == []
    assert (await senders.ask(a_phone(), address)).status_code == 429
